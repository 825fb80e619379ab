/* SPDX-License-Identifier: MIT */
#include "deploy/inflate.h"

#include "alloc.h"

#include <limits.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

/* As inflateInit2 takes them: the largest window, and what is around the data. */
enum { WINDOW_BITS = 15, RAW = -WINDOW_BITS, GZIP = WINDOW_BITS + 16 };

struct inflate {
	z_stream zlib;
};

struct inflate *inflate_open(enum inflate_form form)
{
	struct inflate *inflate = xcalloc(1, sizeof *inflate);

	if (inflateInit2(&inflate->zlib, form == INFLATE_RAW ? RAW : GZIP) != Z_OK)
		xrequire(NULL); /* it fails only for want of memory */
	return inflate;
}

void inflate_close(struct inflate *inflate)
{
	if (!inflate)
		return;
	inflateEnd(&inflate->zlib);
	free(inflate);
}

void inflate_restart(struct inflate *inflate)
{
	inflateReset(&inflate->zlib);
}

static uInt clamp(size_t length)
{
	return length > UINT_MAX ? UINT_MAX : (uInt)length;
}

enum inflate_result inflate_some(struct inflate *state, struct inflate_room *room)
{
	z_stream *zlib = &state->zlib;

	zlib->next_in = room->in;
	zlib->avail_in = clamp(room->in_length);
	zlib->next_out = room->out;
	zlib->avail_out = clamp(room->out_length);
	int result = inflate(zlib, Z_NO_FLUSH);
	room->in_length -= (size_t)(zlib->next_in - room->in);
	room->in = zlib->next_in;
	room->out_length -= (size_t)(zlib->next_out - room->out);
	room->out = zlib->next_out;
	return result == Z_STREAM_END ? INFLATE_ENDED : result == Z_OK || result == Z_BUF_ERROR ? INFLATE_MORE : INFLATE_DAMAGED;
}

size_t inflate_held(const struct inflate *inflate)
{
	(void)inflate;
	return 0;
}

const char *inflate_reason(const struct inflate *inflate)
{
	return inflate->zlib.msg ? inflate->zlib.msg : "it cannot be decompressed";
}

uint32_t inflate_crc(uint32_t crc, const void *bytes, size_t length)
{
	return (uint32_t)crc32_z(crc, bytes, length);
}
