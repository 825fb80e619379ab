/* SPDX-License-Identifier: MIT */
/* Back to a release that is still on disk. */
#ifndef DEWY_ROLLBACK_H
#define DEWY_ROLLBACK_H

#include "stage.h"

struct error;

/* Switches current to the newest release of the version, or with "" to the previous one, and holds the application there. No
 * hooks run. Sets the document's release, artifact, previous and deploy sections, and its state. Returns 0 or -1. */
int rollback_run(struct stage_run *run, const char *version, struct error *error);

#endif
