/* SPDX-License-Identifier: MIT */
/* xz, whose blocks liblzma decompresses at the same time where the file has several, and tells how large they are. */
#include "deploy/unpack.h"

#include "alloc.h"
#include "error.h"

#include <lzma.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	MEMORY_MOST = 192 << 20,    /* bytes; a child has no more for all that it does */
	THREADED_MEMORY = 128 << 20, /* bytes in which blocks may be decompressed at the same time, */
	THREADED_SHARE = 8,          /* and the part of the machine's memory that this may be */
	THREADS_MOST = 4,
};

static void *open_xz(void)
{
	lzma_stream *xz = xcalloc(1, sizeof *xz);

	*xz = (lzma_stream)LZMA_STREAM_INIT;
	return xz;
}

static void close_xz(void *state)
{
	lzma_end(state);
	free(state);
}

#ifdef HAVE_LZMA_STREAM_DECODER_MT

/* Who runs in a thread can start some; the first thread may be in a place where there are none to be had. */
static bool has_threads(void)
{
	return syscall(SYS_gettid) != getpid();
}

static lzma_ret begin(lzma_stream *xz)
{
	uint64_t share = lzma_physmem() / THREADED_SHARE;
	uint32_t threads = lzma_cputhreads();
	lzma_mt options = {.threads = 1, .memlimit_stop = MEMORY_MOST};

	if (has_threads() && threads > 1) {
		options.threads = threads < THREADS_MOST ? threads : THREADS_MOST;
		options.memlimit_threading = share < THREADED_MEMORY ? share : THREADED_MEMORY;
	}
	return lzma_stream_decoder_mt(xz, &options);
}

#else

static lzma_ret begin(lzma_stream *xz)
{
	return lzma_stream_decoder(xz, MEMORY_MOST, 0);
}

#endif

static void restart(void *state)
{
	lzma_end(state);
	*(lzma_stream *)state = (lzma_stream)LZMA_STREAM_INIT;
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
	lzma_stream *xz = state;
	lzma_ret result = xz->internal ? LZMA_OK : begin(xz);

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
