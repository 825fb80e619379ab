/* SPDX-License-Identifier: MIT */
/* The data of members of a zip, one after the other; several of these read beside each other. */
#ifndef DEWY_ZIP_CONTENT_H
#define DEWY_ZIP_CONTENT_H

#include "deploy/source.h"
#include "deploy/zip_directory.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ahead;
struct error;
struct inflate;
struct stream;

struct zip_content {
	const struct source *whole;
	const struct zip_record *record; /* of the member */
	struct source source;            /* of its local header, and then of its data */
	const unsigned char *bytes;
	size_t length; /* of what was read of the data, and is not used */
	struct inflate *inflate;
	unsigned char *block;
	struct ahead *ahead;   /* of a large deflated member: a thread that has all of the above to itself */
	struct stream *stream; /* of other methods than deflate */
	long long size;        /* of what was decompressed, */
	uint32_t crc;          /* and its checksum */
	bool ended;            /* the deflated data is at its end */
};

/* Begins without a member. whole must outlive it. */
void zip_content_open(struct zip_content *content, const struct source *whole);

void zip_content_close(struct zip_content *content);

/* Goes to the member of a record, which lives as long as its data is read, and compares its local header with that. Returns 0
 * or -1. */
int zip_content_begin(struct zip_content *content, const struct zip_record *record, struct error *error);

/* Returns how many bytes *ret_bytes points at until the next call; 0 at the end, when size and checksum are what the record says;
 * or -1 with ERROR_INTEGRITY. */
ssize_t zip_content_read(struct zip_content *content, const void **ret_bytes, struct error *error);

#endif
