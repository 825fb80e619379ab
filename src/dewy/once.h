/* SPDX-License-Identifier: MIT */
/* What dewy once and dewy rollback have in common. */
#ifndef DEWY_ONCE_H
#define DEWY_ONCE_H

#include "options.h"

/* Runs one cycle and prints its document, unless standard output is a terminal. Returns the exit status. */
int once_run(const struct tool *tool, const struct options *options, const char *rollback);

#endif
