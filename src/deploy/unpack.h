/* SPDX-License-Identifier: MIT */
/* Decompression of one stream, whatever the compression, checked to its end. */
#ifndef DEWY_UNPACK_H
#define DEWY_UNPACK_H

#include "deploy/inflate.h"
#include "deploy/source.h"

#include <stdbool.h>

struct error;

/* A compression. */
struct unpacker {
	const char *name;
	bool padded; /* zeros, which pad to the size of a block, may stand behind a member */
	void *(*open)(void);
	void (*close)(void *state);
	void (*restart)(void *state); /* for the next member */
	/* Decompresses as much as room allows; last when there is nothing left to read. Returns 1; 0 at the end of the member;
	 * or -1 with ERROR_INTEGRITY. */
	int (*some)(void *state, struct inflate_room *room, bool last, struct error *error);
};

extern const struct unpacker unpack_gzip, unpack_bzip2, unpack_xz, unpack_zstd;

struct unpack;

/* Decompresses from source, which must outlive it. The caller gives it to unpack_close. */
struct unpack *unpack_open(const struct unpacker *unpacker, struct source *source);

void unpack_close(struct unpack *unpack);

/* Fills bytes with size bytes. Returns how many; fewer only at the end of the last member, and none behind it; or -1 with
 * ERROR_INTEGRITY when the data is damaged, ends too early or needs too much memory. */
ssize_t unpack_read(struct unpack *unpack, void *bytes, size_t size, struct error *error);

/* For a decompressor that needs more memory than there may be. Returns -1. */
int unpack_too_large(struct error *error);

/* For data that is damaged. Returns -1. */
int unpack_damaged(const struct unpacker *unpacker, const char *reason, struct error *error);

#endif
