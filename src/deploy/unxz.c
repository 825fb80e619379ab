/* SPDX-License-Identifier: MIT */
/* xz, whose blocks liblzma decompresses at the same time where the file has several, and tells how large they are. */
#include "deploy/unpack.h"

#include "alloc.h"
#include "error.h"
#include "thread.h"

#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	MEMORY_MOST = 192 << 20,    /* bytes; a child has no more for all that it does */
	THREADED_MEMORY = 128 << 20, /* bytes in which blocks may be decompressed at the same time, */
	THREADED_SHARE = 8,          /* and the part of the machine's memory that this may be */
	THREADS_MOST = 4,
	BLOCK_FLAGS = 13,   /* where they are, behind the header of the stream and the size of that of the block, */
	BOTH_SIZES = 0xc0,  /* and what they have when it tells both sizes of the block */
};

struct xz {
	lzma_stream stream;
	uint32_t threads; /* that may decompress, 0 before that is known */
};

static void *open_xz(void)
{
	struct xz *xz = xcalloc(1, sizeof *xz);

	xz->stream = (lzma_stream)LZMA_STREAM_INIT;
	return xz;
}

static void close_xz(void *state)
{
	lzma_end(&((struct xz *)state)->stream);
	free(state);
}

#ifdef HAVE_LZMA_STREAM_DECODER_MT

static void *wait_for_lock(void *lock)
{
	pthread_mutex_lock(lock);
	pthread_mutex_unlock(lock);
	return NULL;
}

/* Returns how many threads can be there at once, which the system may limit: liblzma fails when it cannot have the next one. */
static uint32_t try_threads(uint32_t most)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_t threads[THREADS_MOST];
	uint32_t started = 0;

	pthread_mutex_lock(&lock);
	while (started < most && pthread_create(&threads[started], NULL, wait_for_lock, &lock) == 0)
		started++;
	pthread_mutex_unlock(&lock);
	for (uint32_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_destroy(&lock);
	return started;
}

/* The first thread has other work, and does not spread this. */
static uint32_t choose_threads(void)
{
	pthread_attr_t attributes;
	uint32_t threads = lzma_cputhreads();

	if (syscall(SYS_gettid) == getpid() || threads < 2 || pthread_attr_init(&attributes))
		return 1;
	/* liblzma takes what is usual, which the limit of the stack of whoever started dewy decides. */
	pthread_attr_setstacksize(&attributes, THREAD_STACK);
	pthread_setattr_default_np(&attributes);
	pthread_attr_destroy(&attributes);
	threads = try_threads(threads < THREADS_MOST ? threads : THREADS_MOST);
	return threads ? threads : 1;
}

/* Without sizes in the header of the first block (the xz file format, 3.1.2), there is nothing to be done at the same time. */
static bool tells_sizes(const struct inflate_room *room)
{
	return room->in_length > BLOCK_FLAGS && (room->in[BLOCK_FLAGS] & BOTH_SIZES) == BOTH_SIZES;
}

static lzma_ret begin(struct xz *xz, const struct inflate_room *room)
{
	lzma_mt options = {.threads = 1, .memlimit_stop = MEMORY_MOST};
	uint64_t share = lzma_physmem() / THREADED_SHARE;

	if (!xz->threads && tells_sizes(room))
		xz->threads = choose_threads();
	if (xz->threads > 1 && tells_sizes(room)) {
		options.threads = xz->threads;
		options.memlimit_threading = share < THREADED_MEMORY ? share : THREADED_MEMORY;
	}
	return lzma_stream_decoder_mt(&xz->stream, &options);
}

#else

static lzma_ret begin(struct xz *xz, const struct inflate_room *room)
{
	(void)room;
	return lzma_stream_decoder(&xz->stream, MEMORY_MOST, 0);
}

#endif

static void restart(void *state)
{
	struct xz *xz = state;

	lzma_end(&xz->stream);
	xz->stream = (lzma_stream)LZMA_STREAM_INIT;
}

static int failed(lzma_ret result, struct error *error)
{
	switch (result) {
	case LZMA_MEM_ERROR:
	case LZMA_MEMLIMIT_ERROR:
		return unpack_too_large(error);
	case LZMA_BUF_ERROR:
		return error_set(error, ERROR_INTEGRITY, "the xz data ends too early");
	case LZMA_FORMAT_ERROR:
	case LZMA_OPTIONS_ERROR:
		return unpack_damaged(&unpack_xz, "its header is none, or one that this liblzma does not know", error);
	default:
		return unpack_damaged(&unpack_xz, "it cannot be decompressed, or its checksum is another", error);
	}
}

static int some(void *state, struct inflate_room *room, bool last, struct error *error)
{
	lzma_stream *xz = &((struct xz *)state)->stream;
	lzma_ret result = xz->internal ? LZMA_OK : begin(state, room);

	xz->next_in = room->in;
	xz->avail_in = room->in_length;
	xz->next_out = room->out;
	xz->avail_out = room->out_length;
	/* At the end of the file, threads are waited for. */
	do
		result = result == LZMA_OK ? lzma_code(xz, last ? LZMA_FINISH : LZMA_RUN) : result;
	while (last && result == LZMA_OK && xz->avail_out);
	room->in = xz->next_in;
	room->in_length = xz->avail_in;
	room->out = xz->next_out;
	room->out_length = xz->avail_out;
	return result == LZMA_OK || result == LZMA_STREAM_END ? result == LZMA_OK : failed(result, error);
}

const struct unpacker unpack_xz = {
	.name = "xz", .padded = true, .open = open_xz, .close = close_xz, .restart = restart, .some = some};
