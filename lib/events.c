/* SPDX-License-Identifier: MIT */
#include "events.h"

#include "alloc.h"
#include "cleanup.h"
#include "signal_fd.h"
#include "time.h"

#include <limits.h>
#include <poll.h>
#ifdef HAVE_TIMERFD_CREATE
#include <sys/timerfd.h>
#endif

static int open_timer(void)
{
#ifdef HAVE_TIMERFD_CREATE
	return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
#else
	return -1;
#endif
}

/* Sets the timer unless it is set so already: a system call when a time changes, none when it only passes. */
static int set_timer(struct events *events, long long until)
{
#ifdef HAVE_TIMERFD_CREATE
	struct itimerspec times = {0}; /* for never */

	if (events->timer < 0)
		return -1;
	if (events->due == until)
		return 0;
	if (until != EVENTS_NEVER)
		times.it_value = (struct timespec){.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
	if (timerfd_settime(events->timer, TFD_TIMER_ABSTIME, &times, NULL))
		return -1;
	events->due = until;
	return 0;
#else
	(void)events;
	(void)until;
	return -1;
#endif
}

int events_open(struct events *ret, const int *signals, size_t count, struct error *error)
{
	*ret = EVENTS_CLOSED;
	ret->signals = signal_fd_open(signals, count, error);
	if (ret->signals < 0)
		return -1;
	ret->timer = open_timer();
	ret->due = EVENTS_NEVER;
	return 0;
}

static int milliseconds_left(long long until)
{
	long long left = until - time_monotonic();

	return left <= 0 ? 0 : left < INT_MAX ? (int)left : INT_MAX;
}

void events_wait(struct events *events, long long until, const int *fds, size_t count)
{
	AUTO_FREE struct pollfd *polled = xcalloc(count + 2, sizeof *polled);
	int timeout = -1;

	if (until <= time_monotonic() || set_timer(events, until))
		timeout = milliseconds_left(until);
	polled[0] = (struct pollfd){.fd = events->signals, .events = POLLIN};
	polled[1] = (struct pollfd){.fd = timeout < 0 ? events->timer : -1, .events = POLLIN};
	for (size_t i = 0; i < count; i++)
		polled[i + 2] = (struct pollfd){.fd = fds[i], .events = POLLIN};
	poll(polled, (nfds_t)count + 2, timeout);
}

void events_close(struct events *events)
{
	cleanup_close(&events->signals);
	cleanup_close(&events->timer);
	*events = EVENTS_CLOSED;
}
