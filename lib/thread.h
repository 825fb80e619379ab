/* SPDX-License-Identifier: MIT */
/* Threads that help the one that there is. */
#ifndef DEWY_THREAD_H
#define DEWY_THREAD_H

#include <pthread.h>
#include <stdbool.h>

enum { THREAD_STACK = 256 * 1024 }; /* bytes; they count as memory of the process */

/* Runs work(context) in a thread with a stack of THREAD_STACK bytes, to which no signals come: they are for the thread that there was
 * before. Returns false when none can be started: then the caller does the work. The caller gives *ret to pthread_join. */
bool thread_start(pthread_t *ret, void *(*work)(void *context), void *context);

#endif
