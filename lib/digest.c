/* SPDX-License-Identifier: MIT */
#include "digest.h"

#include "alloc.h"
#include "base64.h"
#include "buf.h"
#include "crc.h"
#include "error.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 65536 };

static const struct algorithm {
	const char *name;
	unsigned bytes;
	const EVP_MD *(*evp)(void); /* NULL for a cyclic check */
	uint64_t polynomial;
} algorithms[] = {
	{"sha256", 32, EVP_sha256, 0},
	{"sha512", 64, EVP_sha512, 0},
	{"blake2b512", 64, EVP_blake2b512, 0},
	{"sha1", 20, EVP_sha1, 0},
	{"md5", 16, EVP_md5, 0},
	{"crc64nvme", 8, NULL, CRC64NVME},
	{"crc32c", 4, NULL, CRC32C},
	{"crc32", 4, NULL, CRC32},
};

struct digest {
	const struct algorithm *algorithm;
	EVP_MD_CTX *context; /* NULL for a cyclic check */
	struct crc crc;
};

static const struct algorithm *find_algorithm(const char *text)
{
	size_t length = strcspn(text, ":");

	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
		if (strlen(algorithms[i].name) == length && memcmp(algorithms[i].name, text, length) == 0)
			return &algorithms[i];
	return NULL;
}

struct digest *digest_begin(const char *algorithm)
{
	struct digest *digest = xcalloc(1, sizeof *digest);

	digest->algorithm = find_algorithm(algorithm);
	if (digest->algorithm && !digest->algorithm->evp) {
		crc_begin(&digest->crc, digest->algorithm->polynomial, 8 * digest->algorithm->bytes);
		return digest;
	}
	digest->context = xrequire(EVP_MD_CTX_new());
	if (digest->algorithm && EVP_DigestInit_ex(digest->context, digest->algorithm->evp(), NULL))
		return digest;
	digest_free(digest); /* unknown here, or to an OpenSSL that is not to know MD5 */
	return NULL;
}

void digest_add(struct digest *digest, const void *bytes, size_t length)
{
	if (digest->context)
		EVP_DigestUpdate(digest->context, bytes, length);
	else
		crc_add(&digest->crc, bytes, length);
}

static void to_hex(const unsigned char *bytes, unsigned length, char *text)
{
	for (unsigned i = 0; i < length; i++)
		snprintf(text + (size_t)2 * i, 3, "%02x", bytes[i]);
}

static void to_text(const struct algorithm *algorithm, const unsigned char *bytes, char text[DIGEST_TEXT])
{
	int prefix = snprintf(text, DIGEST_TEXT, "%s:", algorithm->name);

	to_hex(bytes, algorithm->bytes, text + prefix);
}

void digest_peek(const struct digest *digest, char text[DIGEST_TEXT])
{
	struct digest *copy = xcalloc(1, sizeof *copy);

	copy->algorithm = digest->algorithm;
	copy->context = xrequire(EVP_MD_CTX_new());
	xrequire(EVP_MD_CTX_copy_ex(copy->context, digest->context) ? copy : NULL);
	digest_end(copy, text);
}

void digest_end(struct digest *digest, char text[DIGEST_TEXT])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];

	if (digest->context)
		EVP_DigestFinal_ex(digest->context, bytes, NULL);
	for (unsigned i = 0; !digest->context && i < digest->algorithm->bytes; i++)
		bytes[i] = (unsigned char)(crc_end(&digest->crc) >> 8 * (digest->algorithm->bytes - 1 - i));
	to_text(digest->algorithm, bytes, text);
	digest_free(digest);
}

void digest_free(struct digest *digest)
{
	if (digest)
		EVP_MD_CTX_free(digest->context);
	free(digest);
}

int digest_from_base64(const char *algorithm, const char *base64, char text[DIGEST_TEXT])
{
	const struct algorithm *known = find_algorithm(algorithm);
	AUTO_BUF struct buf bytes = {0};

	if (!known || base64_decode(&bytes, base64) || bytes.length != known->bytes)
		return -1;
	to_text(known, (const unsigned char *)bytes.data, text);
	return 0;
}

ssize_t digest_add_piece(struct digest *const *digests, size_t count, int fd, long long begin, long long end)
{
	char block[BLOCK]; /* not from the heap, which would take it from the system and give it back for each piece */
	size_t wanted = end < 0 || end - begin > BLOCK ? BLOCK : (size_t)(end - begin);
	ssize_t got;

	do
		got = pread(fd, block, wanted, begin);
	while (got < 0 && errno == EINTR);
	for (size_t i = 0; got > 0 && i < count; i++)
		digest_add(digests[i], block, (size_t)got);
	return got;
}

int digest_add_file(struct digest *const *digests, size_t count, int fd, long long begin, long long end, struct error *error)
{
	while (end < 0 || begin < end) {
		ssize_t got = digest_add_piece(digests, count, fd, begin, end);
		if (got < 0)
			return error_errno(error, errno, "cannot read");
		if (got == 0)
			return end < 0 ? 0 : error_set(error, ERROR_FILESYSTEM, "it ends before byte %lld", end);
		begin += got;
	}
	return 0;
}

int digest_file(int fd, char text[DIGEST_TEXT], struct error *error)
{
	struct digest *digest = xrequire(digest_begin("sha256"));

	if (digest_add_file(&digest, 1, fd, 0, -1, error)) {
		digest_free(digest);
		return -1;
	}
	digest_end(digest, text);
	return 0;
}

void digest_hmac(const char *key, const void *bytes, size_t length, char text[DIGEST_TEXT])
{
	unsigned char code[EVP_MAX_MD_SIZE];
	unsigned code_length = 0;

	xrequire(HMAC(EVP_sha256(), key, (int)strlen(key), bytes, length, code, &code_length));
	to_hex(code, code_length, text);
}
