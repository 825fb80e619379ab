/* SPDX-License-Identifier: MIT */
/* The releases that are still on disk, as something to go back to. */
#ifndef DEWY_RETAINED_H
#define DEWY_RETAINED_H

#include "root/release.h"

/* True when the record is of that version, which may lack the v that the record has. */
bool retained_is_version(const cJSON *record, const char *version);

/* Finds the release to go back to from current: the newest of a version, or with "" the one that ran before. names and count are
 * those of release_list. Returns its index, or -1 when there is none. */
int retained_find(const struct root *root, char (*names)[RELEASE_NAME], int count, const char *current, const char *version);

/* What the record of a release tells of it. */
struct retained {
	const char *name;
	char before[RELEASE_NAME]; /* the release that current led to when it was deployed, which is an older one; "" for none */
	bool served;               /* its server has proved itself at least once */
};

/* Describes a release by its record. The name stays the caller's, and has to last. */
struct retained retained_describe(const char *name, const cJSON *record);

/* Finds the release that served last when current led to the one of that name, itself or one before: of several that once served,
 * somebody may have gone back from the newer ones. The releases are those of release_list, oldest first. Where retention has
 * removed one on the way, it is the newest that ever served. Returns its index, or -1 when none is known to have served. */
int retained_served(const struct retained *releases, int count, const char *name);

/* The same, by the records on disk. */
int retained_find_served(const struct root *root, char (*names)[RELEASE_NAME], int count, const char *name);

#endif
