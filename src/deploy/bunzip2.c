/* SPDX-License-Identifier: MIT */
/* bzip2. */
#include "deploy/unpack.h"

#include "alloc.h"
#include "error.h"

#include <bzlib.h>
#include <limits.h>
#include <stdlib.h>

static void begin(bz_stream *bzip2)
{
	*bzip2 = (bz_stream){0};
	if (BZ2_bzDecompressInit(bzip2, 0, 0) != BZ_OK)
		xrequire(NULL); /* it fails only for want of memory */
}

static void *open_bzip2(void)
{
	bz_stream *bzip2 = xcalloc(1, sizeof *bzip2);

	begin(bzip2);
	return bzip2;
}

static void close_bzip2(void *state)
{
	BZ2_bzDecompressEnd(state);
	free(state);
}

static void restart(void *state)
{
	BZ2_bzDecompressEnd(state);
	begin(state);
}

static unsigned clamp(size_t length)
{
	return length > UINT_MAX ? UINT_MAX : (unsigned)length;
}

static int some(void *state, struct inflate_room *room, bool last, struct error *error)
{
	bz_stream *bzip2 = state;

	(void)last;
	bzip2->next_in = (char *)room->in; /* it is only read */
	bzip2->avail_in = clamp(room->in_length);
	bzip2->next_out = (char *)room->out;
	bzip2->avail_out = clamp(room->out_length);
	int result = BZ2_bzDecompress(bzip2);
	room->in_length -= (size_t)(bzip2->next_in - (const char *)room->in);
	room->in = (const unsigned char *)bzip2->next_in;
	room->out_length -= (size_t)(bzip2->next_out - (char *)room->out);
	room->out = (unsigned char *)bzip2->next_out;
	if (result == BZ_OK || result == BZ_STREAM_END)
		return result == BZ_OK;
	if (result == BZ_MEM_ERROR)
		return unpack_too_large(error);
	const char *reason = result == BZ_DATA_ERROR_MAGIC ? "its header is none" : "its checksum is another";
	return unpack_damaged(&unpack_bzip2, reason, error);
}

const struct unpacker unpack_bzip2 = {
	.name = "bzip2", .padded = true, .open = open_bzip2, .close = close_bzip2, .restart = restart, .some = some};
