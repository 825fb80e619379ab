/* SPDX-License-Identifier: MIT */
/* Signals that are read from a descriptor: signalfd(2), or where the kernel or the headers have none, a pipe that handlers write
 * to. A process has one such descriptor at a time. Its children get default handling and an empty mask from proc_spawn; whoever
 * calls fork(2) itself sees to that. */
#ifndef DEWY_SIGNAL_FD_H
#define DEWY_SIGNAL_FD_H

#include <signal.h>
#include <stddef.h>

struct error;

/* From here on these signals come by the descriptor alone, also those that this process was started to ignore, or that wait since
 * before; no other is blocked. Returns the descriptor, which can be polled and which the caller closes; or -1. */
int signal_fd_open(const int *numbers, size_t count, struct error *error);

/* Takes the next signal. Returns its number, or 0 when none is left. The same signal sent twice may be read once. */
int signal_fd_next(int fd);

/* Returns a descriptor that can be read while one of the signals in set, which are blocked, is pending; or -1 where there is no
 * such thing. */
int signal_fd_watch(const sigset_t *set);

/* Makes all signals that came and were not taken, or come from here on, wait for the program that is executed next, in this
 * process; signal_fd_release is for when there is none. */
void signal_fd_hold(void);
void signal_fd_release(int fd);

#endif
