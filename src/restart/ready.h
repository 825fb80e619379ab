/* SPDX-License-Identifier: MIT */
/* Whether the server can be made to run anything, asked before something is touched. */
#ifndef DEWY_READY_H
#define DEWY_READY_H

#include "options.h"
#include "root/root.h"

struct error;

/* Returns 0 when there is what the options name: a unit that can be restarted, a process to signal, a supervisor that runs or a
 * command to start one. Else -1 with ERROR_CONFIG or ERROR_USAGE. */
int restart_ready(const struct options *options, const struct root *root, struct error *error);

#endif
