/* SPDX-License-Identifier: MIT */
#include "deploy/stream.h"

#include "alloc.h"
#include "deploy/ahead.h"
#include "deploy/unpack.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 256 * 1024 };

struct stream {
	enum compression compression;
	struct source *source;
	struct unpack *unpack; /* of what is compressed, */
	struct ahead *ahead;   /* beside the caller, */
	void *block;           /* or else into this */
};

static const struct unpacker *const unpackers[] = {
	[COMPRESSION_GZIP] = &unpack_gzip,
	[COMPRESSION_BZIP2] = &unpack_bzip2,
	[COMPRESSION_XZ] = &unpack_xz,
	[COMPRESSION_ZSTD] = &unpack_zstd,
};

/* Beginnings of compressed files: RFC 1952, the bzip2 and xz file formats, RFC 8878. */
static const struct {
	enum compression compression;
	size_t length;
	const char *magic;
} magics[] = {
	{COMPRESSION_GZIP, 3, "\x1f\x8b\x08"},
	{COMPRESSION_BZIP2, 3, "BZh"},
	{COMPRESSION_XZ, 6, "\3757zXZ\0"},
	{COMPRESSION_ZSTD, 4, "\x28\xb5\x2f\xfd"},
};

/* What follows "BZh" and a digit: pi for a block, its root for an empty file. */
static bool is_bzip2(const unsigned char *head)
{
	return head[3] >= '1' && head[3] <= '9' && (memcmp(head + 4, "1AY&SY", 6) == 0 || memcmp(head + 4, "\x17rE8P\x90", 6) == 0);
}

static int recognise(const struct source *source, enum compression *ret, struct error *error)
{
	unsigned char head[10] = {0};

	*ret = COMPRESSION_NONE;
	if (source_peek(source, 0, head, sizeof head, error) < 0)
		return -1;
	for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
		if (memcmp(head, magics[i].magic, magics[i].length) == 0 &&
		    (magics[i].compression != COMPRESSION_BZIP2 || is_bzip2(head)))
			*ret = magics[i].compression;
	return 0;
}

static struct stream *open_as(struct source *source, enum compression compression)
{
	struct stream *stream = xcalloc(1, sizeof *stream);

	stream->source = source;
	stream->compression = compression;
	if (compression != COMPRESSION_NONE)
		stream->unpack = unpack_open(unpackers[compression], source);
	return stream;
}

static ssize_t fill(void *context, void *bytes, size_t size, struct error *error)
{
	return unpack_read(context, bytes, size, error);
}

struct stream *stream_open(struct source *source, struct error *error)
{
	enum compression compression;

	if (recognise(source, &compression, error))
		return NULL;
	struct stream *stream = open_as(source, compression);
	if (stream->unpack) {
		source_hurry(source);
		stream->ahead = ahead_open(fill, stream->unpack);
	}
	return stream;
}

struct stream *stream_open_as(struct source *source, enum compression compression)
{
	struct stream *stream = open_as(source, compression);

	if (stream->unpack)
		stream->block = xreallocarray(NULL, BLOCK, 1); /* not cleared: a small member touches little of it */
	return stream;
}

void stream_close(struct stream *stream)
{
	if (!stream)
		return;
	ahead_close(stream->ahead);
	unpack_close(stream->unpack);
	free(stream->block);
	free(stream);
}

enum compression stream_compression(const struct stream *stream)
{
	return stream->compression;
}

ssize_t stream_read(struct stream *stream, const void **ret_bytes, struct error *error)
{
	if (stream->ahead)
		return ahead_read(stream->ahead, ret_bytes, error);
	if (!stream->unpack)
		return source_read(stream->source, ret_bytes, error);
	*ret_bytes = stream->block;
	return unpack_read(stream->unpack, stream->block, BLOCK, error);
}
