/* SPDX-License-Identifier: MIT */
/* Extra fields of a member of a zip: what its header has no room for (APPNOTE.TXT 4.5). */
#ifndef DEWY_ZIP_EXTRA_H
#define DEWY_ZIP_EXTRA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zip_extra {
	const unsigned char *large; /* values of 64 bits (4.5.3), NULL for none */
	size_t large_length;
	const unsigned char *name; /* in UTF-8 (4.6.9), NULL for none, */
	size_t name_length;
	uint32_t name_crc; /* and of the name that it stands for */
	bool dated;
	int32_t mtime; /* seconds since the epoch, when dated */
};

/* Reads the fields of length bytes. Returns true, or false when they are damaged. What the fields point at is in bytes. */
bool zip_extra_read(const unsigned char *bytes, size_t length, struct zip_extra *ret);

/* Replaces a value that has all 32 bits set by the next one of 64 bits. Returns false when there is none, or one beyond what
 * files have. */
bool zip_extra_large(struct zip_extra *extra, long long *value);

#endif
