/* SPDX-License-Identifier: MIT */
/* Checksum files, as sha256sum, shasum, the BSD tools and openssl write them. */
#ifndef DEWY_FETCH_CHECKSUMS_H
#define DEWY_FETCH_CHECKSUMS_H

#include "fetch/expected.h"
#include "registry/registry.h"

/* Reads the checksum files at urls, an array of texts, until one of them tells the SHA-256 or SHA-512 of the artifact of that name,
 * and adds that to what is expected. Returns 0, also when none tells; or -1 with ERROR_INTEGRITY for a file that contradicts
 * itself, ERROR_DOCUMENT for a URL outside of the registry, or the registry's error. */
int checksums_learn(struct registry *registry, const cJSON *urls, const char *name, struct expected *expected,
		    struct error *error);

enum { CHECKSUMS_LIMIT = 1 << 20 }; /* bytes of a checksum file */

/* Looks for the artifact of that name in the text of a checksum file, which is cut to pieces. Returns 0 with "sha256:HEX", or
 * "sha512:HEX" when only that is told; 1 when nothing is; or -1 with ERROR_INTEGRITY when it contradicts itself. */
int checksums_find(char *text, const char *file, const char *name, char ret_digest[DIGEST_TEXT], struct error *error);

#endif
