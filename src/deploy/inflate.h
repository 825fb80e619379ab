/* SPDX-License-Identifier: MIT */
/* Deflated data (RFC 1951) of a gzip member (RFC 1952) or of a zip, decompressed from one piece of memory into another. */
#ifndef DEWY_INFLATE_H
#define DEWY_INFLATE_H

#include <stddef.h>
#include <stdint.h>

struct inflate;

enum inflate_form {
	INFLATE_RAW,  /* nothing but deflated data */
	INFLATE_GZIP, /* one member: with a header, and with a checksum and a length, which are compared */
};

/* What is read, and what is written; both move on. */
struct inflate_room {
	const unsigned char *in;
	size_t in_length;
	unsigned char *out;
	size_t out_length;
};

enum inflate_result {
	INFLATE_MORE,  /* all that was there is read, or all that could be written is */
	INFLATE_ENDED, /* the data is at its end, and whole; what is left in room->in, and inflate_held, is behind it */
	INFLATE_DAMAGED,
};

/* Returns what the caller gives to inflate_close. */
struct inflate *inflate_open(enum inflate_form form);

void inflate_close(struct inflate *inflate);

/* Begins with other data, of the same form. */
void inflate_restart(struct inflate *inflate);

/* Decompresses as much as room allows. */
enum inflate_result inflate_some(struct inflate *state, struct inflate_room *room);

/* Returns how many bytes behind the end of raw data were taken from room->in all the same. */
size_t inflate_held(const struct inflate *inflate);

/* Returns why the data is damaged, in a few words that live as long as inflate. */
const char *inflate_reason(const struct inflate *inflate);

/* Returns the CRC-32 that gzip and zip have, of what preceded and of length bytes more; crc is that of what preceded, 0 for
 * nothing. */
uint32_t inflate_crc(uint32_t crc, const void *bytes, size_t length);

#endif
