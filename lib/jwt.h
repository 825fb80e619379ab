/* SPDX-License-Identifier: MIT */
/* JSON Web Tokens (RFC 7519) signed with RS256 (RFC 7518, 3.3), by OpenSSL. */
#ifndef DEWY_JWT_H
#define DEWY_JWT_H

#include <cJSON.h>

struct error;

/* Signs the claims with a private RSA key in PEM (PKCS #1 or PKCS #8, without a passphrase). key_id becomes the member kid of the
 * header, NULL for none. Returns the token, which the caller frees; or NULL with ERROR_CONFIG when the key is none. */
char *jwt_sign(const cJSON *claims, const char *key_id, const char *private_key, struct error *error);

#endif
