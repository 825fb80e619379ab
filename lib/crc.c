/* SPDX-License-Identifier: MIT */
#include "crc.h"

static uint64_t shift_byte(uint64_t value, uint64_t polynomial)
{
	for (int bit = 0; bit < 8; bit++)
		value = value & 1 ? value >> 1 ^ polynomial : value >> 1;
	return value;
}

void crc_begin(struct crc *crc, uint64_t polynomial, unsigned bits)
{
	for (unsigned byte = 0; byte < 256; byte++)
		crc->table[byte] = shift_byte(byte, polynomial);
	crc->ones = UINT64_MAX >> (64 - bits);
	crc->value = crc->ones;
}

void crc_add(struct crc *crc, const void *bytes, size_t length)
{
	uint64_t value = crc->value;

	for (const unsigned char *at = bytes, *end = at + length; at < end; at++)
		value = crc->table[(value ^ *at) & 0xff] ^ value >> 8;
	crc->value = value;
}

uint64_t crc_end(const struct crc *crc)
{
	return crc->value ^ crc->ones;
}
