/* SPDX-License-Identifier: MIT */
/* What the commands that run a cycle have in common. */
#ifndef DEWY_ONCE_H
#define DEWY_ONCE_H

#include "dewy/cycle.h"

/* Opens ROOT and prepares cycle for the options: the mode from --mode, or from whether a command follows "--"; a signalfd for
 * the signals that end it, which are blocked from here on, and SIGUSR1. The options are put into the environment for the
 * stages. Returns 0, or -1; the caller gives the cycle to cycle_end in both cases. */
int cycle_begin(struct cycle *cycle, const struct options *options, const char *mode, struct root *root, struct error *error);

void cycle_end(struct cycle *cycle);

/* Runs one cycle and prints its document, unless standard output is a terminal. Returns the exit status. */
int once_run(const struct tool *tool, const struct options *options, const char *rollback);

#endif
