/* SPDX-License-Identifier: MIT */
/* Digests by OpenSSL: sha256 and sha512 (FIPS 180-4), blake2b512 (RFC 7693), sha1 and md5 (RFC 1321) and HMAC (RFC 2104); and
 * the cyclic checks that object stores return: crc32, crc32c (RFC 9260, appendix A) and crc64nvme (NVM Express NVM Command Set
 * Specification 1.0). */
#ifndef DEWY_DIGEST_H
#define DEWY_DIGEST_H

#include <stddef.h>
#include <sys/types.h>

struct error;

#define DIGEST_TEXT 140 /* bytes for the longest, "blake2b512:", 128 hexadecimal digits and the end */

struct digest;

/* Begins a digest by the algorithm, one of the words above: of "sha256:HEX", too, only the part before the colon counts. Returns
 * NULL for an unknown one. The caller gives it to digest_end, or to digest_free. */
struct digest *digest_begin(const char *algorithm);

void digest_add(struct digest *digest, const void *bytes, size_t length);

/* Writes "ALGORITHM:HEX" of what was added so far; more may be added. Not for cyclic checks. */
void digest_peek(const struct digest *digest, char text[DIGEST_TEXT]);

/* Writes "ALGORITHM:HEX", in small letters, and frees the digest. */
void digest_end(struct digest *digest, char text[DIGEST_TEXT]);

void digest_free(struct digest *digest);

/* Writes "ALGORITHM:HEX" of a digest that comes as base64. Returns 0, or -1 when it is no digest of that algorithm. */
int digest_from_base64(const char *algorithm, const char *base64, char text[DIGEST_TEXT]);

/* Adds a piece of the file open at fd, from begin on and no further than end, to each of count digests; end -1 is that of the file.
 * The piece is read once, and the offset of fd is not moved. Returns how many bytes it has, 0 at the end of the file, or -1 with
 * errno. */
ssize_t digest_add_piece(struct digest *const *digests, size_t count, int fd, long long begin, long long end);

/* Adds all pieces from begin up to end. Returns 0, or -1, also when the file is shorter than end. */
int digest_add_file(struct digest *const *digests, size_t count, int fd, long long begin, long long end, struct error *error);

/* Writes the SHA-256 of the file open at fd. Returns 0, or -1. */
int digest_file(int fd, char text[DIGEST_TEXT], struct error *error);

/* Writes the HMAC-SHA-256 of bytes under a terminated key as 64 hexadecimal digits. */
void digest_hmac(const char *key, const void *bytes, size_t length, char text[DIGEST_TEXT]);

#endif
