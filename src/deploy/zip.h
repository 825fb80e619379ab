/* SPDX-License-Identifier: MIT */
/* Zip, after APPNOTE.TXT 6.3.10 of PKWARE, whose sections are named where they are followed. What is in the archive is what its
 * central directory says; where the rest of the file says something else, the archive is damaged. */
#ifndef DEWY_ZIP_H
#define DEWY_ZIP_H

#include "error.h"

#include <stdint.h>

struct source;

/* Bits of the flags of a member (4.4.4). */
enum { ZIP_ENCRYPTED = 1 << 0, ZIP_SIZES_FOLLOW = 1 << 3, ZIP_STRONGLY = 1 << 6, ZIP_UTF8 = 1 << 11, ZIP_MASKED = 1 << 13 };

enum { ZIP_STORED = 0, ZIP_DEFLATED = 8, ZIP_BZIP2 = 12, ZIP_ZSTD = 93, ZIP_XZ = 95 }; /* methods (4.4.5) */

/* Returns the number in count bytes, the lowest first (4.4.1.1). */
static inline uint64_t zip_number(const unsigned char *bytes, unsigned count)
{
	uint64_t number = 0;

	while (count--)
		number = number << 8 | bytes[count];
	return number;
}

/* Where the central directory is, by the records at the end of the file. */
struct zip_end {
	long long begin, size; /* of the directory, in bytes */
	long long entries;
	long long shift; /* what is before the archive in the file, and not counted in its offsets */
};

/* Finds the end records. Returns 0, or -1. */
int zip_find_end(const struct source *source, struct zip_end *ret, struct error *error);

/* Says with ERROR_INTEGRITY that the archive is damaged, and why. Returns -1. */
static inline int zip_damaged(struct error *error, const char *reason)
{
	error_set(error, ERROR_INTEGRITY, "the archive is damaged: %s", reason);
	return -1;
}

#endif
