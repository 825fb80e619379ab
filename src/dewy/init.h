/* SPDX-License-Identifier: MIT */
/* What process 1 has to do besides its own work: a container has no other one that would. */
#ifndef DEWY_INIT_H
#define DEWY_INIT_H

#include <stdbool.h>

/* Returns false in any process but process 1. That one becomes two: the new one, for which this returns true, goes on; process 1
 * stays, hands it SIGTERM, SIGINT, SIGQUIT, SIGHUP and SIGUSR1, reaps whoever is left without a parent, and ends with its exit
 * status, 128 plus the signal when one killed it. */
bool init_split(void);

#endif
