/* SPDX-License-Identifier: MIT */
/* What a program of one thread waits for: signals, and with SIGCHLD the ends of children; a time; and descriptors. */
#ifndef DEWY_EVENTS_H
#define DEWY_EVENTS_H

#include <stddef.h>

struct error;

struct events {
	int signals; /* see signal_fd.h; -1 when not open */
	int timer;   /* a timerfd(2), -1 where there is none: then poll(2) keeps the time */
	long long due; /* what the timer is set to */
};

#define EVENTS_CLOSED ((struct events){.signals = -1, .timer = -1})
#define EVENTS_NEVER 0x7fffffffffffffffLL /* a time that does not come */

/* Opens the signals by signal_fd_open, and a timer. Returns 0, or -1; the caller gives ret to events_close in both cases. */
int events_open(struct events *ret, const int *signals, size_t count, struct error *error);

/* Waits until a signal came, one of the descriptors can be read, or the time until, in milliseconds on the monotonic clock, is
 * there. It may return earlier for no reason. */
void events_wait(struct events *events, long long until, const int *fds, size_t count);

void events_close(struct events *events);

#endif
