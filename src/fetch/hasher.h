/* SPDX-License-Identifier: MIT */
/* Hashing of a file while it is being written. What is hashed is read from the file: so it is what the file holds, nothing is kept
 * in memory, and who writes never waits. A second thread reads behind, once there is enough for one. */
#ifndef DEWY_HASHER_H
#define DEWY_HASHER_H

#include "fetch/expected.h"

#include <pthread.h>

/* {0} is none. It must not be moved once it has begun. */
struct hasher {
	int fd;
	struct hashing hashing; /* the thread's alone, while there is one */
	enum { HASHER_IDLE, HASHER_RUNS, HASHER_ALONE } thread_state; /* alone: no thread is to be had */
	pthread_t thread;
	pthread_mutex_t lock; /* of the two below it */
	pthread_cond_t changed;
	long long there; /* bytes that may be read */
	bool ended;      /* there will be no more */
};

/* Begins anew to hash the file open at fd, by the algorithms that are expected, and SHA-256. A thread is started by a later call,
 * and has the rights that the caller has by then. */
void hasher_begin(struct hasher *hasher, int fd, const struct expected *expected);

/* Says that the bytes of the file up to end are there, and stay as they are. Returns 0, or -1. */
int hasher_allow(struct hasher *hasher, long long end, struct error *error);

/* Ends the hashing once all that is there is hashed. Returns 0, or -1 when the file cannot be read; the caller gives hasher to
 * hasher_free in both cases. */
int hasher_end(struct hasher *hasher, struct content *ret, struct error *error);

/* Gives up, if it has not ended, and frees what the hashing used; the file may be changed from then on. */
void hasher_free(struct hasher *hasher);

#endif
