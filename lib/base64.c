/* SPDX-License-Identifier: MIT */
#include "base64.h"

#include "alloc.h"
#include "buf.h"
#include "str.h"

#include <string.h>

enum { BYTES = 3, LETTERS = 4 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(struct buf *buf, const void *bytes, size_t length)
{
	for (const unsigned char *at = bytes; length;) {
		unsigned char piece[BYTES] = {0};
		size_t taken = length < BYTES ? length : BYTES;
		memcpy(piece, at, taken);
		unsigned bits = (unsigned)piece[0] << 16 | (unsigned)piece[1] << 8 | piece[2];
		char letters[LETTERS] = {alphabet[bits >> 18], alphabet[bits >> 12 & 63], alphabet[bits >> 6 & 63],
					 alphabet[bits & 63]};
		memset(letters + taken + 1, '=', BYTES - taken);
		buf_add(buf, letters, LETTERS);
		at += taken;
		length -= taken;
	}
}

void base64url_add(struct buf *buf, const void *bytes, size_t length)
{
	AUTO_BUF struct buf text = {0};

	base64_add(&text, bytes, length);
	for (char *letter = text.data; letter && *letter && *letter != '='; letter++) {
		char other = *letter == '+' ? '-' : *letter == '/' ? '_' : *letter;
		buf_add(buf, &other, 1);
	}
}

/* Returns the value of four letters, 0 for each that is none: what is wrong is not what is written the same way again. */
static unsigned value_of(const char *letters)
{
	unsigned bits = 0;

	for (int i = 0; i < LETTERS; i++) {
		const char *found = memchr(alphabet, letters[i], sizeof alphabet - 1);
		bits = bits << 6 | (found ? (unsigned)(found - alphabet) : 0);
	}
	return bits;
}

static bool is_canonical(const struct buf *bytes, const char *text)
{
	AUTO_BUF struct buf again = {0};

	base64_add(&again, bytes->data, bytes->length);
	return str_equal(buf_text(&again), text);
}

int base64_decode(struct buf *buf, const char *text)
{
	AUTO_BUF struct buf bytes = {0};
	size_t length = strlen(text);

	if (length == 0 || length % LETTERS)
		return length ? -1 : 0;
	for (size_t at = 0; at < length; at += LETTERS) {
		unsigned bits = value_of(text + at);
		unsigned char piece[BYTES] = {(unsigned char)(bits >> 16), (unsigned char)(bits >> 8), (unsigned char)bits};
		buf_add(&bytes, piece, BYTES);
	}
	bytes.length -= str_ends(text, "==") ? 2 : str_ends(text, "=") ? 1 : 0;
	if (!is_canonical(&bytes, text))
		return -1;
	buf_add(buf, bytes.data, bytes.length);
	return 0;
}
