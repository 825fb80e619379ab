/* SPDX-License-Identifier: MIT */
#include "minisign.h"

#include "alloc.h"
#include "base64.h"
#include "buf.h"
#include "error.h"
#include "str.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum {
	ALGORITHM = 2,         /* letters before the key id: */
	UNTRUSTED_LINE = 1022, /* bytes, as minisign reads them */
	TRUSTED_LINE = 8190,
};

static const char of_digest[] = "ED", of_file[] = "Ed"; /* what a signature is of; a key has the second one */
static const char untrusted[] = "untrusted comment: ", trusted[] = "trusted comment: ";

/* Text that is read line by line. */
struct lines {
	const char *at, *end;
};

/* Takes the next line, without its end, which may be one of Windows. Returns its length, -1 when there is none. */
static ptrdiff_t next_line(struct lines *lines, const char **ret)
{
	if (lines->at == lines->end)
		return -1;
	const char *line = lines->at, *newline = memchr(line, '\n', (size_t)(lines->end - line));
	const char *end = newline ? newline : lines->end;
	lines->at = newline ? newline + 1 : end;
	*ret = line;
	return end - line - (newline && end > line && end[-1] == '\r');
}

/* Takes a line that begins with prefix and has no more than most bytes. Returns the length of what follows the prefix, or -1. */
static ptrdiff_t next_comment(struct lines *lines, const char *prefix, ptrdiff_t most, const char **ret)
{
	ptrdiff_t length = next_line(lines, ret), begin = (ptrdiff_t)strlen(prefix);

	if (length < 0 || length < begin || length > most || memcmp(*ret, prefix, (size_t)begin) != 0)
		return -1;
	*ret += begin;
	return length - begin;
}

/* Takes a line of base64 that stands for so many bytes. Returns 0 or -1. */
static int next_bytes(struct lines *lines, void *ret, size_t bytes)
{
	const char *line = NULL;
	ptrdiff_t length = next_line(lines, &line);

	if (length < 0 || (size_t)length != (bytes + 2) / 3 * 4)
		return -1;
	AUTO_FREE char *text = xstrndup(line, (size_t)length);
	AUTO_BUF struct buf decoded = {0};
	if (base64_decode(&decoded, text) || decoded.length != bytes)
		return -1;
	memcpy(ret, decoded.data, bytes);
	return 0;
}

/* True when text is UTF-8 without control characters but for tabs, which minisign's own comments have. */
static bool is_printable(const char *text)
{
	for (; *text; text += str_utf8_length(text))
		if (!str_utf8_length(text) || (*text != '\t' && str_control(text)))
			return false;
	return true;
}

static void cleanup_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
	ERR_clear_error();
}

static void cleanup_context(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

int minisign_check(struct error *error)
{
	static const unsigned char any[MINISIGN_KEY] = {1};
	AUTO(cleanup_key) EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, any, sizeof any);
	AUTO(cleanup_context) EVP_MD_CTX *context = xrequire(EVP_MD_CTX_new());
	struct digest *digest = digest_begin(MINISIGN_DIGEST);
	bool known = digest && key && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1;

	digest_free(digest);
	if (known)
		return 0;
	error_set(error, ERROR_CONFIG, "the OpenSSL of this machine has no Ed25519 or no BLAKE2b-512, so it verifies no signature");
	return error_hint(error, "let its configuration offer both, as OpenSSL's default provider does");
}

bool minisign_is_key(const char *text)
{
	AUTO_BUF struct buf bytes = {0};

	return strlen(text) == MINISIGN_KEY_LETTERS && base64_decode(&bytes, text) == 0 &&
	       bytes.length == ALGORITHM + MINISIGN_ID + MINISIGN_KEY && memcmp(bytes.data, of_file, ALGORITHM) == 0;
}

/* True for a point that its eightfold maps to zero: under it, signatures of anything can be made without a secret. And for one that
 * is not written as RFC 8032 has it, with a coordinate below the prime. */
static bool is_weak(const unsigned char key[MINISIGN_KEY])
{
	static const char small[][MINISIGN_KEY + 1] = {
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0"
		"\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
		"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f"
		"\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
		"\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
	};
	unsigned char y[MINISIGN_KEY];
	size_t ones = 1;

	memcpy(y, key, sizeof y);
	y[MINISIGN_KEY - 1] &= 0x7f; /* without the sign of the other coordinate */
	for (size_t i = 0; i < sizeof small / sizeof *small; i++)
		if (memcmp(y, small[i], sizeof y) == 0)
			return true;
	while (ones < MINISIGN_KEY - 1 && y[ones] == 0xff)
		ones++;
	return y[0] >= 0xed && ones == MINISIGN_KEY - 1 && y[ones] == 0x7f;
}

int minisign_key_parse(const void *bytes, size_t length, struct minisign_key *ret, struct error *error)
{
	struct lines lines = {bytes, (const char *)bytes + length};
	unsigned char all[ALGORITHM + MINISIGN_ID + MINISIGN_KEY];
	const char *comment;
	bool alone = length < sizeof untrusted || memcmp(bytes, untrusted, sizeof untrusted - 1) != 0;

	if ((!alone && next_comment(&lines, untrusted, UNTRUSTED_LINE, &comment) < 0) || next_bytes(&lines, all, sizeof all) ||
	    lines.at != lines.end || memcmp(all, of_file, ALGORITHM) != 0) {
		error_set(error, ERROR_CONFIG, "it is no public key of minisign");
		return error_hint(error, "give the file minisign.pub that minisign -G has made, or the line of base64 in it");
	}
	memcpy(ret->id, all + ALGORITHM, sizeof ret->id);
	memcpy(ret->key, all + ALGORITHM + MINISIGN_ID, sizeof ret->key);
	if (!is_weak(ret->key))
		return 0;
	error_set(error, ERROR_CONFIG, "its public key is one under which anybody can sign");
	return error_hint(error, "make another one with minisign -G");
}

/* Takes the line with the signature of the file. */
static int read_content(struct lines *lines, struct minisign_signature *ret, struct error *error)
{
	unsigned char all[ALGORITHM + MINISIGN_ID + MINISIGN_SIGNATURE];

	if (next_bytes(lines, all, sizeof all))
		return error_set(error, ERROR_INTEGRITY, "its second line is no signature of minisign");
	if (memcmp(all, of_file, ALGORITHM) == 0)
		return error_set(error, ERROR_INTEGRITY, "it has the old form, as minisign -l makes it: sign again without -l");
	if (memcmp(all, of_digest, ALGORITHM) != 0)
		return error_set(error, ERROR_INTEGRITY, "its algorithm is unknown");
	memcpy(ret->id, all + ALGORITHM, sizeof ret->id);
	memcpy(ret->content, all + ALGORITHM + MINISIGN_ID, sizeof ret->content);
	return 0;
}

int minisign_signature_parse(const void *bytes, size_t length, struct minisign_signature *ret, struct error *error)
{
	struct lines lines = {bytes, (const char *)bytes + length};
	const char *comment = NULL;

	if (length > MINISIGN_FILE)
		return error_set(error, ERROR_INTEGRITY, "it is larger than %d bytes", MINISIGN_FILE);
	if (next_comment(&lines, untrusted, UNTRUSTED_LINE, &comment) < 0)
		return error_set(error, ERROR_INTEGRITY, "its first line is no untrusted comment of minisign");
	if (read_content(&lines, ret, error))
		return -1;
	ptrdiff_t letters = next_comment(&lines, trusted, TRUSTED_LINE, &comment);
	if (letters < 0)
		return error_set(error, ERROR_INTEGRITY, "its third line is no trusted comment of minisign");
	snprintf(ret->comment, sizeof ret->comment, "%.*s", (int)letters, comment);
	if (strlen(ret->comment) != (size_t)letters || !is_printable(ret->comment))
		return error_set(error, ERROR_INTEGRITY, "its trusted comment is no text that could be printed");
	if (next_bytes(&lines, ret->global, sizeof ret->global))
		return error_set(error, ERROR_INTEGRITY, "its fourth line is no signature of minisign");
	return lines.at == lines.end ? 0 : error_set(error, ERROR_INTEGRITY, "it has more than four lines");
}

const char *minisign_id(const unsigned char id[MINISIGN_ID], char text[MINISIGN_ID_TEXT])
{
	for (size_t i = 0; i < MINISIGN_ID; i++) /* it is a number, its last byte first */
		snprintf(text + 2 * i, 3, "%02X", id[MINISIGN_ID - 1 - i]);
	return text;
}

/* Returns true when the key has signed those bytes. */
static bool verify(const unsigned char signature[MINISIGN_SIGNATURE], const struct minisign_key *key, const void *bytes,
		   size_t length)
{
	AUTO(cleanup_key) EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->key, sizeof key->key);
	AUTO(cleanup_context) EVP_MD_CTX *context = xrequire(EVP_MD_CTX_new());

	return pkey && EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1 &&
	       EVP_DigestVerify(context, signature, MINISIGN_SIGNATURE, bytes, length) == 1;
}

int minisign_verify_comment(const struct minisign_signature *signature, const struct minisign_key *key, struct error *error)
{
	AUTO_BUF struct buf text = {0};

	buf_add(&text, signature->content, sizeof signature->content);
	buf_puts(&text, signature->comment);
	if (memcmp(signature->id, key->id, sizeof key->id) == 0 && verify(signature->global, key, text.data, text.length))
		return 0;
	return error_set(error, ERROR_INTEGRITY, "it is not what the key has made: it or its trusted comment was altered");
}

/* Reads the hexadecimal digits of a digest. Returns 0, or -1 when they are not of that many bytes. */
static int read_digest(const char *digest, unsigned char *ret, size_t bytes)
{
	const char *digits = digest + strlen(MINISIGN_DIGEST) + 1;
	unsigned value;

	if (!str_starts(digest, MINISIGN_DIGEST ":") || strlen(digits) != 2 * bytes)
		return -1;
	for (size_t i = 0; i < bytes; i++) {
		if (sscanf(digits + 2 * i, "%2x", &value) != 1)
			return -1;
		ret[i] = (unsigned char)value;
	}
	return 0;
}

int minisign_verify_content(const struct minisign_signature *signature, const struct minisign_key *key,
			    const char digest[DIGEST_TEXT], struct error *error)
{
	unsigned char signed_bytes[64];

	if (memcmp(signature->id, key->id, sizeof key->id) == 0 && read_digest(digest, signed_bytes, sizeof signed_bytes) == 0 &&
	    verify(signature->content, key, signed_bytes, sizeof signed_bytes))
		return 0;
	return error_set(error, ERROR_INTEGRITY, "it is of another content, or was altered");
}
