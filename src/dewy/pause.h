/* SPDX-License-Identifier: MIT */
/* How long dewy watch waits between two runs. */
#ifndef DEWY_PAUSE_H
#define DEWY_PAUSE_H

#include "options.h"

/* Returns the milliseconds to pause after that many failed runs in a row: --interval; from the second failure on, twice as long
 * each time, up to --max-backoff; spread by --jitter. After a failure, the log says when the next try is. */
long long pause_length(const struct options *options, int failures);

#endif
