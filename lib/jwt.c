/* SPDX-License-Identifier: MIT */
#include "jwt.h"

#include "alloc.h"
#include "base64.h"
#include "buf.h"
#include "error.h"
#include "json.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

static void cleanup_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void cleanup_context(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

/* In place of OpenSSL's own question at the terminal. */
static int know_no_passphrase(char *ret, int size, int writing, void *context)
{
	(void)ret;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

/* Returns the key, which the caller frees, or NULL. */
static EVP_PKEY *read_key(const char *pem, struct error *error)
{
	BIO *bio = xrequire(BIO_new_mem_buf(pem, -1));
	AUTO(cleanup_key) EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, know_no_passphrase, NULL);

	BIO_free(bio);
	ERR_clear_error();
	if (!key) {
		error_set(error, ERROR_CONFIG, "the private key cannot be read: it is no PEM, damaged, or needs a passphrase");
		error_hint(error, "give the whole key, from -----BEGIN to the END line, with its line breaks");
		return NULL;
	}
	if (EVP_PKEY_base_id(key) != EVP_PKEY_RSA) {
		error_set(error, ERROR_CONFIG, "the private key is no RSA key");
		error_hint(error, "give the key as the service has made it");
		return NULL;
	}
	return steal_pointer(&key);
}

static void add_json(struct buf *buf, const cJSON *json)
{
	AUTO_FREE char *text = json_print(json);

	base64url_add(buf, text, strlen(text));
}

static void add_header(struct buf *token, const char *key_id)
{
	AUTO_JSON cJSON *header = xrequire(cJSON_CreateObject());

	json_set_string(header, "alg", "RS256");
	json_set_string(header, "typ", "JWT");
	json_set_string(header, "kid", key_id);
	add_json(token, header);
}

/* Appends the signature of what is in the token so far. */
static int add_signature(struct buf *token, EVP_PKEY *key, struct error *error)
{
	AUTO(cleanup_context) EVP_MD_CTX *context = xrequire(EVP_MD_CTX_new());
	size_t length = (size_t)EVP_PKEY_size(key);
	AUTO_FREE unsigned char *signature = xcalloc(length, 1);

	if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(context, signature, &length, (const unsigned char *)token->data, token->length) != 1) {
		ERR_clear_error();
		return error_set(error, ERROR_CONFIG, "the private key is too weak or damaged: it cannot sign");
	}
	buf_puts(token, ".");
	base64url_add(token, signature, length);
	return 0;
}

char *jwt_sign(const cJSON *claims, const char *key_id, const char *private_key, struct error *error)
{
	AUTO(cleanup_key) EVP_PKEY *key = read_key(private_key, error);
	AUTO_BUF struct buf token = {0};

	if (!key)
		return NULL;
	add_header(&token, key_id);
	buf_puts(&token, ".");
	add_json(&token, claims);
	return add_signature(&token, key, error) == 0 ? buf_steal(&token) : NULL;
}
