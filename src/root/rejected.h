/* SPDX-License-Identifier: MIT */
/* ROOT/.dewy/rejected.json: what is not deployed again by itself.
 * {"versions":[{"version":"v1.2.3","cache_key":"v1.2.3--app.tar.gz","digest":"sha256:...","revision":"...","reason":"...",
 * "at":"2024-01-15T10:31:15Z"}]}: an artifact of that version that was rolled back, with what its registry told it by. An entry
 * without a digest means the version, whatever it holds. With "above", which a rollback by hand sets, every version after that one
 * and up to "version" is meant. */
#ifndef DEWY_REJECTED_H
#define DEWY_REJECTED_H

#include "json.h"
#include "root/root.h"

#include <time.h>

/* Returns the array of rejected versions, empty when there are none; the caller deletes it. NULL with the error when the
 * file cannot be read. */
cJSON *rejected_read(const struct root *root, struct error *error);

/* Returns the entry for the artifact of a version that was rolled back, which belongs to versions; NULL for none. */
const cJSON *rejected_find(const cJSON *versions, const char *version);

/* Returns the entry by which the application is held at a version, which belongs to versions; NULL for none. */
const cJSON *rejected_find_hold(const cJSON *versions, const char *version);

/* True when somebody holds the application below a version of the kind that calver tells (NULL: a semantic one). */
bool rejected_is_held(const cJSON *versions, const char *version, const char *calver);

/* True when the artifact of a document was rejected, or somebody holds the application below its version. */
bool rejected_has(const cJSON *versions, const cJSON *document);

/* Rejects the artifact of a document, in place of an entry for the same version. Returns 0 or -1. */
int rejected_add(const struct root *root, const cJSON *document, const char *reason, struct error *error);

/* Remembers that this revision of the artifact of a rejected version is what was rejected. Returns 0 or -1. */
int rejected_revise(const struct root *root, const char *version, const char *revision, struct error *error);

/* Holds the application at the version of a document, which somebody chose: everything after it, up to the version that ran, is
 * rejected. What was held before stays so, as far as it is after the chosen version, and is one entry with it. Returns 0 or -1. */
int rejected_hold(const struct root *root, const cJSON *document, const char *ran, const char *reason, struct error *error);

/* Lets an artifact of a version be deployed again, or each with NULL, of the kind that calver tells: entries for it are removed,
 * and what is held begins after it. Returns 0 or -1. */
int rejected_accept(const struct root *root, const char *version, const char *cache_key, const char *calver, struct error *error);

/* Removes the entries for a version (with or without the v that it begins with), or all with NULL. Returns 0 with those that were
 * removed, an array that the caller deletes; or -1. */
int rejected_forget(const struct root *root, const char *version, cJSON **ret_forgotten, struct error *error);

/* What is on disk, to which rejections are compared. */
struct rejected_since {
	time_t oldest;         /* when the first of it was deployed */
	const char **versions; /* of the kind that calver tells */
	size_t count;
	const char *calver;
};

/* Removes the entries that all of this is newer than, by its time and its version. Returns 0 or -1. */
int rejected_prune(const struct root *root, const struct rejected_since *since, struct error *error);

#endif
