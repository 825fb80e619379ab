/* SPDX-License-Identifier: MIT */
/* Going to the background. */
#ifndef DEWY_SERVE_DAEMON_H
#define DEWY_SERVE_DAEMON_H

struct error;

/* Makes a process in a session of its own that goes on. Returns 0 in that process, with a descriptor for daemon_release; 1
 * in the caller's, once the other one was released or ended, with the exit status that it named; or -1. */
int daemon_fork(int *ret_release, int *ret_status, struct error *error);

/* Lets the process that called daemon_fork end with that status, and takes /dev/null for standard input. */
void daemon_release(int release, int status);

#endif
