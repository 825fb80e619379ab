/* SPDX-License-Identifier: MIT */
/* dewy rollback --forget. */
#ifndef DEWY_FORGET_H
#define DEWY_FORGET_H

#include "options.h"

/* Forgets what was rejected and what is held, all of it or a version, under the lock of ROOT, and says what it was. Returns the
 * exit status. */
int forget_run(const struct tool *tool, const struct options *options);

#endif
