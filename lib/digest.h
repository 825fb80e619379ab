/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4) and HMAC (RFC 2104), by OpenSSL. */
#ifndef DEWY_DIGEST_H
#define DEWY_DIGEST_H

#include <stddef.h>

struct error;

#define DIGEST_TEXT 72 /* bytes for "sha256:", 64 hexadecimal digits and the end */

struct digest;

/* Begins a SHA-256. The caller gives it to digest_end, or to digest_free. */
struct digest *digest_begin(void);

void digest_add(struct digest *digest, const void *bytes, size_t length);

/* Writes "sha256:HEX" and frees the digest. */
void digest_end(struct digest *digest, char text[DIGEST_TEXT]);

void digest_free(struct digest *digest);

/* Hashes the file open at fd from its first byte to its end, without moving its offset. Returns 0, or -1. */
int digest_file(int fd, char text[DIGEST_TEXT], struct error *error);

/* Writes the HMAC-SHA-256 of bytes under a terminated key as 64 hexadecimal digits. */
void digest_hmac(const char *key, const void *bytes, size_t length, char text[DIGEST_TEXT]);

#endif
