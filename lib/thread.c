/* SPDX-License-Identifier: MIT */
#include "thread.h"

#include <signal.h>

bool thread_start(pthread_t *ret, void *(*work)(void *context), void *context)
{
	pthread_attr_t attributes;
	sigset_t all, before;

	if (pthread_attr_init(&attributes))
		return false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool started = pthread_attr_setstacksize(&attributes, THREAD_STACK) == 0 &&
		       pthread_create(ret, &attributes, work, context) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return started;
}
