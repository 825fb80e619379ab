/* SPDX-License-Identifier: MIT */
#include "seal.h"

#include "alloc.h"
#include "base64.h"
#include "buf.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <string.h>

enum { SALT = 16, NONCE = 12, TAG = 16, HEAD = SALT + NONCE + TAG, KEY = 32 };

/* Out of memory is all that can be wrong with what OpenSSL does here. */
static void must(int success)
{
	xrequire(success == 1 ? &success : NULL);
}

static void derive_key(const char *secret, const unsigned char *salt, unsigned char key[KEY])
{
	static const unsigned char purpose[] = "dewy seal 1";
	EVP_PKEY_CTX *context = xrequire(EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL));
	size_t length = KEY;

	must(EVP_PKEY_derive_init(context));
	must(EVP_PKEY_CTX_set_hkdf_md(context, EVP_sha256()));
	must(EVP_PKEY_CTX_set1_hkdf_salt(context, salt, SALT));
	must(EVP_PKEY_CTX_set1_hkdf_key(context, (const unsigned char *)secret, (int)strlen(secret)));
	must(EVP_PKEY_CTX_add1_hkdf_info(context, purpose, sizeof purpose - 1));
	must(EVP_PKEY_derive(context, key, &length));
	EVP_PKEY_CTX_free(context);
}

/* Returns a cipher that is about to seal or open what has that salt and nonce. */
static EVP_CIPHER_CTX *begin(const char *secret, const unsigned char *head, int sealing)
{
	EVP_CIPHER_CTX *cipher = xrequire(EVP_CIPHER_CTX_new());
	unsigned char key[KEY];

	derive_key(secret, head, key);
	must(EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, head + SALT, sealing)); /* its nonce has NONCE bytes */
	OPENSSL_cleanse(key, sizeof key);
	return cipher;
}

char *seal(const char *text, const char *secret)
{
	size_t length = strlen(text);
	AUTO_FREE unsigned char *sealed = xcalloc(HEAD + length, 1);
	AUTO_BUF struct buf ret = {0};
	int written;

	must(length < INT_MAX);
	must(RAND_bytes(sealed, SALT + NONCE));
	EVP_CIPHER_CTX *cipher = begin(secret, sealed, 1);
	must(EVP_CipherUpdate(cipher, sealed + HEAD, &written, (const unsigned char *)text, (int)length));
	must(EVP_CipherFinal_ex(cipher, sealed + HEAD + length, &written));
	must(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG, sealed + SALT + NONCE));
	EVP_CIPHER_CTX_free(cipher);
	base64_add(&ret, sealed, HEAD + length);
	return buf_steal(&ret);
}

char *unseal(const char *sealed, const char *secret)
{
	AUTO_BUF struct buf bytes = {0};
	int written;

	if (base64_decode(&bytes, sealed) || bytes.length < HEAD || bytes.length > INT_MAX)
		return NULL;
	size_t length = bytes.length - HEAD;
	unsigned char *head = (unsigned char *)bytes.data;
	AUTO_FREE char *text = xcalloc(length + 1, 1);
	EVP_CIPHER_CTX *cipher = begin(secret, head, 0);
	must(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG, head + SALT + NONCE));
	must(EVP_CipherUpdate(cipher, (unsigned char *)text, &written, head + HEAD, (int)length));
	int genuine = EVP_CipherFinal_ex(cipher, (unsigned char *)text + length, &written);
	EVP_CIPHER_CTX_free(cipher);
	ERR_clear_error();
	return genuine == 1 ? steal_pointer(&text) : NULL;
}
