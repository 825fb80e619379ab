/* SPDX-License-Identifier: MIT */
/* dewy-deploy --dry-run. */
#ifndef DEWY_REHEARSE_H
#define DEWY_REHEARSE_H

#include "stage.h"

struct error;

/* Says what a deployment of the document would do, from the download on where that has not been done. Returns 0, or -1 with what
 * would keep it from that. */
int rehearse(struct stage_run *run, struct error *error);

#endif
