/* SPDX-License-Identifier: MIT */
/* Where the health of the server is asked for: --health-url, or --health-path at what it listens on. */
#ifndef DEWY_TARGET_H
#define DEWY_TARGET_H

#include "options.h"

struct error;

struct target {
	char *url;    /* NULL when nothing is asked */
	char *socket; /* absolute path of the UNIX socket to ask over; NULL for TCP */
	bool direct;  /* it is this machine, which no proxy knows */
};

#define AUTO_TARGET AUTO(target_free)

/* Finds it: --health-path is asked for at the first TCP port of --port, over the loopback address where that is for all addresses,
 * or else at the first --path, which is relative to root. Returns 0; or -1 with ERROR_USAGE or ERROR_CONFIG. The caller gives
 * target to target_free in both cases. */
int target_find(struct target *target, const struct options *options, const char *root, struct error *error);

void target_free(struct target *target);

#endif
