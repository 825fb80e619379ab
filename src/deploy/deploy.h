/* SPDX-License-Identifier: MIT */
/* The stage that turns a verified artifact into the release that current leads to. */
#ifndef DEWY_DEPLOY_H
#define DEWY_DEPLOY_H

#include "stage.h"

extern const struct stage deploy_stage;

/* The document was made for what current led to then, and current is what it leads to now, "" for nothing. Returns 0 when that is
 * still so, else -1. */
int deploy_check_previous(const struct stage_run *run, const char *current, struct error *error);

/* Opens the artifact in the cache, to which nobody else can write. Returns a descriptor, or -1; -1 without an error (ERROR_NONE)
 * when there is none. */
int deploy_open_artifact(const struct stage_run *run, int cache, struct error *error);

/* Returns 0 when what the open file holds is what was verified, else -1 with ERROR_INTEGRITY. */
int deploy_verify_artifact(const struct stage_run *run, int artifact, struct error *error);

/* True when the release that current leads to is the wanted one, and whole as far as the artifact tells, which is the verified one
 * then, -1 for none. */
bool deploy_can_reuse(const struct stage_run *run, const char *current, int artifact);

#endif
