/* SPDX-License-Identifier: MIT */
#include "deploy/stream.h"

#include "alloc.h"
#include "deploy/feed.h"
#include "deploy/gunzip.h"
#include "error.h"

#include <archive.h>
#include <stdlib.h>
#include <string.h>

struct stream {
	enum compression compression;
	struct source *source;
	struct gunzip *gunzip; /* of COMPRESSION_GZIP and COMPRESSION_DEFLATE */
	struct feed feed;      /* of those that libarchive decompresses */
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

static ssize_t read_source(void *context, const void **ret_bytes, struct error *error)
{
	return source_read(context, ret_bytes, error);
}

static int open_filter(struct stream *stream, enum feed_form form, struct error *error)
{
	struct archive_entry *entry;

	stream->feed.read = read_source;
	stream->feed.context = stream->source;
	if (feed_open(&stream->feed, form, error))
		return -1;
	/* Damage that shows at once is hidden by libarchive: the data seems to be empty, and at best a text is left. */
	if (archive_error_string(stream->feed.archive))
		return feed_failed(&stream->feed, error);
	int result = archive_read_next_header(stream->feed.archive, &entry);
	if (result == ARCHIVE_EOF)
		return error_set(error, ERROR_INTEGRITY, "the compressed data is damaged or holds nothing");
	return result == ARCHIVE_OK ? 0 : feed_failed(&stream->feed, error);
}

static int start(struct stream *stream, struct error *error)
{
	switch (stream->compression) {
	case COMPRESSION_NONE:
		return 0;
	case COMPRESSION_DEFLATE:
		stream->gunzip = gunzip_open(stream->source, INFLATE_RAW);
		return 0;
	case COMPRESSION_GZIP:
		stream->gunzip = gunzip_open(stream->source, INFLATE_GZIP);
		return 0;
	case COMPRESSION_BZIP2:
		return open_filter(stream, FEED_BZIP2, error);
	case COMPRESSION_XZ:
		return open_filter(stream, FEED_XZ, error);
	case COMPRESSION_ZSTD:
		return open_filter(stream, FEED_ZSTD, error);
	}
	return 0;
}

struct stream *stream_open(struct source *source, struct error *error)
{
	enum compression compression;

	return recognise(source, &compression, error) ? NULL : stream_open_as(source, compression, error);
}

struct stream *stream_open_as(struct source *source, enum compression compression, struct error *error)
{
	struct stream *stream = xcalloc(1, sizeof *stream);

	stream->source = source;
	stream->compression = compression;
	if (start(stream, error) == 0)
		return stream;
	stream_close(stream);
	return NULL;
}

void stream_close(struct stream *stream)
{
	if (!stream)
		return;
	gunzip_close(stream->gunzip);
	feed_close(&stream->feed);
	free(stream);
}

enum compression stream_compression(const struct stream *stream)
{
	return stream->compression;
}

static ssize_t read_filter(struct stream *stream, const void **ret_bytes, struct error *error)
{
	la_int64_t offset;
	size_t length;

	int result = archive_read_data_block(stream->feed.archive, ret_bytes, &length, &offset);
	if (result != ARCHIVE_OK && result != ARCHIVE_EOF)
		return feed_failed(&stream->feed, error);
	return result == ARCHIVE_EOF ? 0 : (ssize_t)length;
}

ssize_t stream_read(struct stream *stream, const void **ret_bytes, struct error *error)
{
	if (stream->gunzip)
		return gunzip_read(stream->gunzip, ret_bytes, error);
	if (stream->feed.archive)
		return read_filter(stream, ret_bytes, error);
	return source_read(stream->source, ret_bytes, error);
}
