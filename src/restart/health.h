/* SPDX-License-Identifier: MIT */
/* Whether the server answers. */
#ifndef DEWY_HEALTH_H
#define DEWY_HEALTH_H

#include "restart/target.h"

struct error;

/* Asks the target once, over a connection of its own, following no redirect, for at most timeout_ms; authorities is a file for
 * http.h, or NULL. Returns 1 when the answer has a status from 200 to 399, whatever its body; 0 with ERROR_APPLICATION saying what
 * came instead. */
int health_ask(const struct target *target, const char *authorities, long long timeout_ms, struct error *error);

#endif
