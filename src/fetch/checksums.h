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

#endif
