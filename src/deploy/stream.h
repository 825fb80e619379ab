/* SPDX-License-Identifier: MIT */
/* What an artifact holds once it is decompressed: one stream of bytes, checked to its end. */
#ifndef DEWY_STREAM_H
#define DEWY_STREAM_H

#include "deploy/source.h"

enum compression {
	COMPRESSION_NONE,
	COMPRESSION_GZIP,
	COMPRESSION_BZIP2,
	COMPRESSION_XZ,
	COMPRESSION_ZSTD,
};

struct stream;

/* Begins to decompress source, which must outlive the stream, as its first bytes ask for, in a thread of its own (ahead.h), so that
 * nobody else may read from source meanwhile. Returns the stream, which the caller gives to stream_close; or NULL. */
struct stream *stream_open(struct source *source, struct error *error);

/* The same, where it is declared elsewhere how source is compressed, and in no thread of its own. */
struct stream *stream_open_as(struct source *source, enum compression compression);

void stream_close(struct stream *stream);

enum compression stream_compression(const struct stream *stream);

/* Returns how many bytes *ret_bytes points at until the next call, 0 at the end, or -1: ERROR_INTEGRITY when the data is
 * damaged, ends too early or needs too much memory. */
ssize_t stream_read(struct stream *stream, const void **ret_bytes, struct error *error);

#endif
