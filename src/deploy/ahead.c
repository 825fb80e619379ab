/* SPDX-License-Identifier: MIT */
#include "deploy/ahead.h"

#include "alloc.h"
#include "error.h"
#include "thread.h"

#include <stdlib.h>

enum {
	BLOCK = 768 * 1024, /* bytes: to wake up the other thread for less takes longer than it saves */
	BLOCKS = 3,
};

struct ahead {
	ahead_fill *fill;
	void *context;
	pthread_t thread;
	bool beside; /* the thread was started */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock: how many blocks were filled and given back since the beginning, and whether nobody wants any more. */
	unsigned long filled, used;
	bool unwanted;
	bool held;           /* the caller has the block that is next to be given back */
	struct error error;  /* of the last block, when that is a failure */
	ssize_t lengths[BLOCKS];
	unsigned char *blocks;
};

static unsigned char *block_of(const struct ahead *ahead, unsigned long number)
{
	return ahead->blocks + number % BLOCKS * BLOCK;
}

/* Returns whether there is more behind the block. */
static bool fill(struct ahead *ahead, unsigned long number)
{
	ssize_t length = ahead->fill(ahead->context, block_of(ahead, number), BLOCK, &ahead->error);

	ahead->lengths[number % BLOCKS] = length;
	return length > 0;
}

/* Waits for a block that may be filled. Returns false when none is wanted any more. */
static bool wait_for_room(struct ahead *ahead, unsigned long number)
{
	pthread_mutex_lock(&ahead->lock);
	while (number - ahead->used == BLOCKS && !ahead->unwanted)
		pthread_cond_wait(&ahead->changed, &ahead->lock);
	bool wanted = !ahead->unwanted;
	pthread_mutex_unlock(&ahead->lock);
	return wanted;
}

static void tell(struct ahead *ahead, unsigned long *count)
{
	pthread_mutex_lock(&ahead->lock);
	++*count;
	pthread_cond_signal(&ahead->changed);
	pthread_mutex_unlock(&ahead->lock);
}

static void *run(void *context)
{
	struct ahead *ahead = context;
	bool more = true;

	for (unsigned long number = 0; more && wait_for_room(ahead, number); number++) {
		more = fill(ahead, number);
		tell(ahead, &ahead->filled);
	}
	return NULL;
}

struct ahead *ahead_open(ahead_fill *fill_block, void *context)
{
	struct ahead *ahead = xcalloc(1, sizeof *ahead);

	ahead->fill = fill_block;
	ahead->context = context;
	ahead->blocks = xreallocarray(NULL, BLOCKS, BLOCK);
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->changed, NULL);
	ahead->beside = thread_start(&ahead->thread, run, ahead);
	return ahead;
}

void ahead_close(struct ahead *ahead)
{
	if (!ahead)
		return;
	if (ahead->beside) {
		pthread_mutex_lock(&ahead->lock);
		ahead->unwanted = true;
		pthread_cond_signal(&ahead->changed);
		pthread_mutex_unlock(&ahead->lock);
		pthread_join(ahead->thread, NULL);
	}
	pthread_cond_destroy(&ahead->changed);
	pthread_mutex_destroy(&ahead->lock);
	free(ahead->blocks);
	free(ahead);
}

static void wait_for_block(struct ahead *ahead, unsigned long number)
{
	pthread_mutex_lock(&ahead->lock);
	while (ahead->filled == number)
		pthread_cond_wait(&ahead->changed, &ahead->lock);
	pthread_mutex_unlock(&ahead->lock);
}

ssize_t ahead_read(struct ahead *ahead, const void **ret_bytes, struct error *error)
{
	if (ahead->held)
		tell(ahead, &ahead->used);
	ahead->held = false;
	unsigned long number = ahead->used; /* which only this thread changes */
	if (ahead->beside)
		wait_for_block(ahead, number);
	else if (ahead->filled == number) {
		fill(ahead, number);
		ahead->filled++;
	}
	ssize_t length = ahead->lengths[number % BLOCKS];
	if (length < 0)
		*error = ahead->error;
	ahead->held = length > 0;
	*ret_bytes = block_of(ahead, number);
	return length;
}
