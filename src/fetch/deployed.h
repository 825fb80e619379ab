/* SPDX-License-Identifier: MIT */
/* The release that is deployed already, which has to do when its artifact is not to be had. */
#ifndef DEWY_FETCH_DEPLOYED_H
#define DEWY_FETCH_DEPLOYED_H

#include "stage.h"

/* True when the wanted release is the deployed one, and its directory is there. */
bool deployed_is_wanted(const struct stage_run *run);

/* Makes the document one of the deployed release, as its record tells, when that is the wanted one: what was refused since has no
 * part in it, and is removed from the cache, a directory. Returns true; or false when there is no such release. */
bool deployed_suffices(struct stage_run *run, int cache);

#endif
