/* SPDX-License-Identifier: MIT */
/* The dewy-check that has no code for the network, and the one that has. */
#ifndef DEWY_CHECK_LOCAL_H
#define DEWY_CHECK_LOCAL_H

#include "options.h"

struct error;

/* Becomes dewy-check-remote, with the options in its environment, when the registry is none of registry_schemes. Returns 0 when it
 * is, or when no registry is given; or -1. */
int local_hand_over(const struct options *options, struct error *error);

#endif
