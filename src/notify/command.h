/* SPDX-License-Identifier: MIT */
/* What the channels that run a command have in common: when it is ended, and when it is run again. */
#ifndef DEWY_NOTIFY_COMMAND_H
#define DEWY_NOTIFY_COMMAND_H

#include <stdbool.h>

/* Returns how many milliseconds of timeout_ms a command keeps from SIGTERM to SIGKILL. */
long long command_grace(long long timeout_ms);

/* True, after a growing pause, when a command that ended with that code (sysexits.h) is to be run again: it asks for that by
 * EX_TEMPFAIL, retry, which begins at 0, is less than most, and the deadline on the monotonic clock leaves time. */
bool command_waits(int exit_code, int retry, int most, long long deadline);

#endif
