/* SPDX-License-Identifier: MIT */
/* Runs on one ROOT take turns. */
#ifndef DEWY_TURN_H
#define DEWY_TURN_H

#include "root/root.h"

/* Takes the lock of ROOT, waiting at most wait_ms milliseconds. Returns its descriptor; or -1 with ERROR_LOCKED, after a warning
 * when whoever holds it was stopped, or with ERROR_FILESYSTEM. */
int turn_take(const struct root *root, long long wait_ms, struct error *error);

#endif
