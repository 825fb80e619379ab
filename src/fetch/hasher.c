/* SPDX-License-Identifier: MIT */
#include "fetch/hasher.h"

#include "thread.h"

enum { LEAST = 1 << 20 }; /* bytes that are worth a thread: fewer are hashed sooner than one has started */

/* Waits for more to be there than was reached. Returns up to which byte to read, no more than reached when the thread is to end. */
static long long wait_for_more(struct hasher *hasher, long long reached)
{
	pthread_mutex_lock(&hasher->lock);
	while (hasher->there <= reached && !hasher->ended)
		pthread_cond_wait(&hasher->changed, &hasher->lock);
	long long end = hasher->there;
	pthread_mutex_unlock(&hasher->lock);
	return end;
}

/* The thread. A piece that it cannot read is left to hasher_end, which can say why: errors, and what is kept out of them, are no
 * business of two threads at once. */
static void *follow(void *context)
{
	struct hasher *hasher = context;
	struct hashing *hashing = &hasher->hashing;
	long long end;

	while ((end = wait_for_more(hasher, hashing->bytes)) > hashing->bytes) {
		ssize_t got = digest_add_piece(hashing->digests, hashing->count, hasher->fd, hashing->bytes, end);
		if (got <= 0)
			break;
		hashing->bytes += got;
	}
	return NULL;
}

/* Tells the thread, if there is one, how much is there, and whether that is all. */
static void announce(struct hasher *hasher, long long there, bool ended)
{
	pthread_mutex_lock(&hasher->lock);
	hasher->there = there;
	hasher->ended = ended;
	pthread_cond_signal(&hasher->changed);
	pthread_mutex_unlock(&hasher->lock);
}

/* Ends the thread, if there is one, once it has hashed the bytes up to end. */
static void join(struct hasher *hasher, long long end)
{
	if (hasher->thread_state != HASHER_RUNS)
		return;
	announce(hasher, end, true);
	pthread_join(hasher->thread, NULL);
	hasher->thread_state = HASHER_IDLE;
}

void hasher_begin(struct hasher *hasher, int fd, const struct expected *expected)
{
	hasher_free(hasher);
	*hasher = (struct hasher){.fd = fd, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
	hashing_begin(&hasher->hashing, expected);
}

int hasher_allow(struct hasher *hasher, long long end, struct error *error)
{
	if (end <= hasher->there)
		return 0;
	if (hasher->thread_state == HASHER_IDLE && end - hasher->hashing.bytes >= LEAST)
		hasher->thread_state = thread_start(&hasher->thread, follow, hasher) ? HASHER_RUNS : HASHER_ALONE;
	announce(hasher, end, false);
	return hasher->thread_state == HASHER_ALONE ? hashing_add_file(&hasher->hashing, hasher->fd, end, error) : 0;
}

int hasher_end(struct hasher *hasher, struct content *ret, struct error *error)
{
	join(hasher, hasher->there);
	if (hashing_add_file(&hasher->hashing, hasher->fd, hasher->there, error))
		return -1;
	hashing_end(&hasher->hashing, ret);
	return 0;
}

void hasher_free(struct hasher *hasher)
{
	join(hasher, 0);
	hashing_free(&hasher->hashing);
}
