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

#endif
