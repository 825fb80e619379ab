/* SPDX-License-Identifier: MIT */
/* What an artifact is expected to be, what it is, and whether that is the same. */
#ifndef DEWY_EXPECTED_H
#define DEWY_EXPECTED_H

#include "digest.h"
#include "json.h"

#include <stdbool.h>

struct error;

/* Who tells a digest. */
enum digest_source {
	BY_REGISTRY, /* with the name of the artifact */
	BY_FILE,     /* a checksum file of the release */
	BY_SERVICE,  /* with the download */
	DIGEST_SOURCES
};

enum { ALSO = 3, MOST_DIGESTS = 1 + DIGEST_SOURCES + ALSO };

struct expected {
	long long size;                            /* bytes, -1 when unknown */
	char digests[DIGEST_SOURCES][DIGEST_TEXT]; /* "sha256:HEX", "" when unknown */
	char *file;                                /* name of the checksum file; NULL when none has told */
	const char *also[ALSO]; /* algorithms whose digests others compare, or texts that begin with them; NULL for no more */
};

void expected_free(struct expected *expected);

/* Sets what one source tells. Returns true; or false, and forgets what it told before, when the algorithm is unknown here. */
bool expected_set(struct expected *expected, enum digest_source source, const char *digest);

/* True when a digest is expected that nobody can forge: MD5 and the cyclic checks only guard the transfer. */
bool expected_is_strong(const struct expected *expected);

/* Returns the names of what was compared, as fetch.verified has them; the caller deletes it. */
cJSON *expected_names(const struct expected *expected);

/* What is known of bytes that were read from the first to the last. */
struct content {
	long long bytes;
	char digests[MOST_DIGESTS][DIGEST_TEXT]; /* the first is the SHA-256; "" for no more */
};

/* Returns the digest by the algorithm of another one, "sha512:HEX", or of that name; NULL when it was not computed. */
const char *content_digest(const struct content *content, const char *algorithm);

/* Computes what has to be compared. {0} is none. */
struct hashing {
	struct digest *digests[MOST_DIGESTS];
	size_t count;    /* of them */
	long long bytes; /* that were added */
};

#define AUTO_HASHING AUTO(hashing_free)

void hashing_free(struct hashing *hashing);

/* Begins anew with the algorithms that are expected, and SHA-256. */
void hashing_begin(struct hashing *hashing, const struct expected *expected);

/* Adds what follows in the file, whose first bytes were added before, up to its byte end, or all of it with -1. Returns 0, or -1,
 * also when the file is shorter. */
int hashing_add_file(struct hashing *hashing, int fd, long long end, struct error *error);

/* Ends the hashing and frees what it used. */
void hashing_end(struct hashing *hashing, struct content *ret);

/* Compares the artifact of that name with what is expected of it. Returns 0, or -1 with ERROR_INTEGRITY. */
int expected_compare(const struct expected *expected, const struct content *content, const char *name, struct error *error);

#endif
