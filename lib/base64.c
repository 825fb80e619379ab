/* SPDX-License-Identifier: MIT */
#include "base64.h"

#include "alloc.h"
#include "buf.h"
#include "str.h"

#include <openssl/evp.h>
#include <string.h>

enum { BYTES = 3, LETTERS = 4 };

void base64_add(struct buf *buf, const void *bytes, size_t length)
{
	for (const unsigned char *at = bytes; length;) {
		int piece = length < BYTES ? (int)length : BYTES;
		unsigned char letters[LETTERS + 1];
		EVP_EncodeBlock(letters, at, piece);
		buf_add(buf, letters, LETTERS);
		at += piece;
		length -= (size_t)piece;
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

/* OpenSSL skips white space and takes any padding: what is right is what is written the same way again. */
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

	if (length % LETTERS)
		return -1;
	for (size_t at = 0; at < length; at += LETTERS) {
		unsigned char piece[BYTES];
		if (EVP_DecodeBlock(piece, (const unsigned char *)text + at, LETTERS) != BYTES)
			return -1;
		buf_add(&bytes, piece, BYTES);
	}
	bytes.length -= str_ends(text, "==") ? 2 : str_ends(text, "=") ? 1 : 0;
	if (!is_canonical(&bytes, text))
		return -1;
	buf_add(buf, bytes.data, bytes.length);
	return 0;
}
