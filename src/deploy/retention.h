/* SPDX-License-Identifier: MIT */
/* What stays on disk. */
#ifndef DEWY_RETENTION_H
#define DEWY_RETENTION_H

#include "json.h"
#include "root/root.h"

struct error;

/* Removes what a run that was killed left behind: partial directories, what retention has let go of, records without a release,
 * and releases that were never switched to. The release named current stays. With the document of a dry run as plan, only says
 * there what it would remove. Returns 0; or -1 when something of it could not be removed, as when another user has put files into
 * it, but all else was. */
int retention_sweep(const struct root *root, const char *current, cJSON *plan, struct error *error);

/* Removes the artifacts in ROOT/.dewy/cache that belong to no release on disk, and are not the one of the document: what a
 * registry has offered and could not be extracted must not fill the disk. Does nothing for another cache. Returns 0 or -1. */
int retention_sweep_cache(const struct root *root, int cache, const cJSON *document, struct error *error);

/* Lets go of (retired.h) all but the newest keep releases, and the artifacts in the cache that belong to none that stays; in a
 * cache that is not ROOT/.dewy/cache, where others may keep theirs, only the artifacts of the releases that are removed. The
 * release that current leads to, the one named previous (NULL for none) and the one that served last always stay; releases of
 * rejected versions do not count and go first. Returns 0 or -1. */
int retention_prune(const struct root *root, int cache, const char *previous, long long keep, struct error *error);

/* Adds to the document of a dry run what retention_prune would remove once its release had the name next. Returns 0 or -1. */
int retention_plan(const struct root *root, int cache, cJSON *document, const char *next, const char *previous, long long keep,
		   struct error *error);

#endif
