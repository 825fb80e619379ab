/* SPDX-License-Identifier: MIT */
/* What retention lets go of: it gets a hidden name at once, ROOT/releases/.STAMP.removed or .KEY.removed in the cache, and is
 * removed when nobody waits for that any more. What has such a name is never used again and gets no other name, so that any number
 * of processes may remove it, without the lock of ROOT. */
#ifndef DEWY_RETIRED_H
#define DEWY_RETIRED_H

#include "options.h"
#include "root/root.h"

struct error;

/* Takes a release out of what one can go back to; its record stays until that is durable. Returns 0, also when it has no directory,
 * or -1. */
int retired_release(const struct root *root, const char *name, struct error *error);

/* Takes an artifact out of the cache. Returns 0 or -1. */
int retired_artifact(int cache, const char *key, struct error *error);

/* True for the name that retired_artifact gives. */
bool retired_is_artifact(const char *name);

/* Removes all that has such a name, with the records of the releases; in the directory cache, too, unless it is -1. Returns 0; or
 * -1 when something of it could not be removed, as when another user has put files into it, but all else was. */
int retired_remove(const struct root *root, int cache, struct error *error);

/* Does so in the cache of the options, too, and lets all other processes go first from here on: it comes last in its own. What it
 * cannot remove, it says at WARN. */
void retired_sweep(const struct options *options, const struct root *root);

#endif
