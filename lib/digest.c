/* SPDX-License-Identifier: MIT */
#include "digest.h"

#include "alloc.h"
#include "cleanup.h"
#include "error.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 262144 };

struct digest {
	EVP_MD_CTX *context;
};

struct digest *digest_begin(void)
{
	struct digest *digest = xcalloc(1, sizeof *digest);

	digest->context = xrequire(EVP_MD_CTX_new());
	xrequire(EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) ? digest : NULL);
	return digest;
}

void digest_add(struct digest *digest, const void *bytes, size_t length)
{
	EVP_DigestUpdate(digest->context, bytes, length);
}

static void to_hex(const unsigned char *bytes, unsigned length, char *text)
{
	for (unsigned i = 0; i < length; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

void digest_end(struct digest *digest, char text[DIGEST_TEXT])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned length = 0;

	EVP_DigestFinal_ex(digest->context, bytes, &length);
	memcpy(text, "sha256:", 7);
	to_hex(bytes, length, text + 7);
	digest_free(digest);
}

void digest_free(struct digest *digest)
{
	if (digest)
		EVP_MD_CTX_free(digest->context);
	free(digest);
}

int digest_file(int fd, char text[DIGEST_TEXT], struct error *error)
{
	AUTO_FREE char *block = xcalloc(1, BLOCK);
	struct digest *digest = digest_begin();
	off_t offset = 0;
	ssize_t got;

	while ((got = pread(fd, block, BLOCK, offset)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			digest_free(digest);
			return error_errno(error, errno, "cannot read");
		}
		digest_add(digest, block, (size_t)got);
		offset += got;
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
