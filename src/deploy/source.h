/* SPDX-License-Identifier: MIT */
/* The bytes of an artifact, or of a part of one, as they lie in the cache, read in large pieces. */
#ifndef DEWY_SOURCE_H
#define DEWY_SOURCE_H

#include <stddef.h>
#include <sys/types.h>

struct ahead;
struct error;

struct source {
	int fd;
	long long begin;  /* of the part in the file, 0 when all of it is read */
	long long size;   /* of the part, or of the file when it was opened */
	long long offset; /* in that, of what is read next; the descriptor's own is left alone */
	void *buffer;
	struct ahead *ahead;    /* reads for source_read, NULL unless source_hurry has begun that */
	long long ahead_offset; /* as offset, of what that reads next */
};

/* Reads from fd, which stays the caller's and must be a regular file. Returns 0 or -1. */
int source_open(struct source *source, int fd, struct error *error);

/* Reads length bytes at begin of another source, which must have them, and outlive this one. */
void source_open_part(struct source *source, const struct source *whole, long long begin, long long length);

void source_close(struct source *source);

/* Has a thread of its own read what is left of the source, if that is much, while what it has read is used (ahead.h). Whoever
 * changes what the source is calls source_rest before. */
void source_hurry(struct source *source);

void source_rest(struct source *source);

/* Returns how many bytes *ret_bytes points at until the next call, 0 at the end, or -1. */
ssize_t source_read(struct source *source, const void **ret_bytes, struct error *error);

/* Reads length bytes at offset. Returns 0; 1 when there are fewer; or -1. */
int source_peek(const struct source *source, long long offset, void *bytes, size_t length, struct error *error);

#endif
