/* SPDX-License-Identifier: MIT */
/* Commands of the user around a deployment. */
#ifndef DEWY_HOOK_H
#define DEWY_HOOK_H

#include "stage.h"

struct error;

/* Runs the hook "before-deploy" or "after-deploy" if the user gave one: by /bin/sh -c in ROOT, in a process group of its own,
 * for --hook-timeout at most, with the document on standard input and DEWY_ID, DEWY_APP, DEWY_VERSION, DEWY_PREVIOUS_VERSION,
 * DEWY_RELEASE_DIR, DEWY_ROOT and DEWY_ARTIFACT in an environment without secrets. What it did goes to deploy.hooks and to a
 * notice. Returns 0 when there is none or it succeeded; 1 when it failed, with ERROR_HOOK filled in. */
int hook_run(struct stage_run *run, const char *name, const char *release_dir, struct error *error);

#endif
