/* SPDX-License-Identifier: MIT */
#include "deploy/gunzip.h"

#include "alloc.h"
#include "error.h"

#include <stdbool.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

enum { GUNZIP_BLOCK = 256 * 1024, WINDOW_BITS_GZIP = 15 + 16 };

struct gunzip {
	struct source *source;
	z_stream zlib;
	bool within; /* a member has begun and not ended */
	unsigned char block[GUNZIP_BLOCK];
};

struct gunzip *gunzip_open(struct source *source)
{
	struct gunzip *gunzip = xcalloc(1, sizeof *gunzip);

	gunzip->source = source;
	if (inflateInit2(&gunzip->zlib, WINDOW_BITS_GZIP) != Z_OK)
		xrequire(NULL); /* it fails only for want of memory */
	return gunzip;
}

void gunzip_close(struct gunzip *gunzip)
{
	if (!gunzip)
		return;
	inflateEnd(&gunzip->zlib);
	free(gunzip);
}

/* Reads more compressed bytes when none are left. Returns 1; 0 at the end of the file; or -1. */
static int fill(struct gunzip *gunzip, struct error *error)
{
	const void *bytes;

	if (gunzip->zlib.avail_in)
		return 1;
	ssize_t got = source_read(gunzip->source, &bytes, error);
	if (got <= 0)
		return (int)got;
	gunzip->zlib.next_in = bytes;
	gunzip->zlib.avail_in = (uInt)got;
	return 1;
}

/* Begins the next member where zeros, which pad to the size of a block, may stand before the end. Returns 1, 0 or -1. */
static int begin_member(struct gunzip *gunzip, struct error *error)
{
	for (;;) {
		int more = fill(gunzip, error);
		if (more <= 0)
			return more;
		if (*gunzip->zlib.next_in)
			break;
		gunzip->zlib.next_in++;
		gunzip->zlib.avail_in--;
	}
	inflateReset(&gunzip->zlib);
	gunzip->within = true;
	return 1;
}

static int damaged(const struct gunzip *gunzip, struct error *error)
{
	return error_set(error, ERROR_INTEGRITY, "the gzip data is damaged: %s",
			 gunzip->zlib.msg ? gunzip->zlib.msg : "it cannot be decompressed");
}

/* Fills the block until it is full, the member ends, or the data is at its end. Returns 0 or -1. */
static int inflate_member(struct gunzip *gunzip, struct error *error)
{
	while (gunzip->zlib.avail_out) {
		int more = fill(gunzip, error);
		if (more < 0)
			return -1;
		if (more == 0)
			return error_set(error, ERROR_INTEGRITY, "the gzip data ends too early");
		int result = inflate(&gunzip->zlib, Z_NO_FLUSH);
		if (result == Z_STREAM_END) {
			gunzip->within = false;
			return 0;
		}
		if (result != Z_OK)
			return damaged(gunzip, error);
	}
	return 0;
}

ssize_t gunzip_read(struct gunzip *gunzip, const void **ret_bytes, struct error *error)
{
	gunzip->zlib.next_out = gunzip->block;
	gunzip->zlib.avail_out = GUNZIP_BLOCK;
	while (gunzip->zlib.avail_out) {
		int more = gunzip->within ? 1 : begin_member(gunzip, error);
		if (more < 0 || (more && inflate_member(gunzip, error)))
			return -1;
		if (more == 0)
			break;
	}
	*ret_bytes = gunzip->block;
	return GUNZIP_BLOCK - (ssize_t)gunzip->zlib.avail_out;
}
