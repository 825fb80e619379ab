/* SPDX-License-Identifier: MIT */
/* The keys and signatures of minisign: Ed25519 (RFC 8032) over the BLAKE2b-512 (RFC 7693) of a file, verified by OpenSSL. The
 * formats are those that minisign's manual describes; what it no longer makes by default, signatures of the file itself, is
 * refused: those need the whole file in memory. */
#ifndef DEWY_MINISIGN_H
#define DEWY_MINISIGN_H

#include "digest.h"

#include <stdbool.h>
#include <stddef.h>

struct error;

enum {
	MINISIGN_ID = 8, /* bytes */
	MINISIGN_KEY = 32,
	MINISIGN_SIGNATURE = 64,
	MINISIGN_COMMENT = 8192,   /* of a trusted comment and its end */
	MINISIGN_FILE = 16384,     /* no file that is accepted is larger */
	MINISIGN_KEY_LETTERS = 56, /* of a public key in base64 */
};

#define MINISIGN_DIGEST "blake2b512" /* the algorithm of digest.h that is signed */
#define MINISIGN_ID_TEXT 17          /* bytes of a key id as text, and the end */

struct minisign_key {
	unsigned char id[MINISIGN_ID];
	unsigned char key[MINISIGN_KEY];
};

struct minisign_signature {
	unsigned char id[MINISIGN_ID]; /* of the key that is said to have made it */
	unsigned char content[MINISIGN_SIGNATURE]; /* the signature of the file */
	unsigned char global[MINISIGN_SIGNATURE];  /* that of the signature and the trusted comment */
	char comment[MINISIGN_COMMENT]; /* the trusted one: on one line, in UTF-8; what it says holds only once it is verified */
};

/* Returns 0; or -1 with ERROR_CONFIG when this OpenSSL knows no Ed25519 or no BLAKE2b-512, as one that may only use what FIPS 140
 * approves does not, so that nothing can be verified. */
int minisign_check(struct error *error);

/* True when text can be nothing but a public key: 56 letters of base64 that begin with the name of the algorithm. */
bool minisign_is_key(const char *text);

/* Reads a public key: length bytes that are its base64 on a line, with or without the untrusted comment on the line before. Returns
 * 0; or -1 with ERROR_CONFIG, also for a key under which signatures of anything can be made. */
int minisign_key_parse(const void *bytes, size_t length, struct minisign_key *ret, struct error *error);

/* Reads a signature file of length bytes: four lines, and nothing else. Returns 0; or -1 with ERROR_INTEGRITY. */
int minisign_signature_parse(const void *bytes, size_t length, struct minisign_signature *ret, struct error *error);

/* Writes a key id as minisign prints it. Returns text. */
const char *minisign_id(const unsigned char id[MINISIGN_ID], char text[MINISIGN_ID_TEXT]);

/* Returns 0 when the key has signed the trusted comment together with the signature of the file; or -1 with ERROR_INTEGRITY. */
int minisign_verify_comment(const struct minisign_signature *signature, const struct minisign_key *key, struct error *error);

/* Returns 0 when the key has signed a file of that digest, "blake2b512:HEX"; or -1 with ERROR_INTEGRITY. */
int minisign_verify_content(const struct minisign_signature *signature, const struct minisign_key *key,
			    const char digest[DIGEST_TEXT], struct error *error);

#endif
