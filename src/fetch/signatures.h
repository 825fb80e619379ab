/* SPDX-License-Identifier: MIT */
/* Who vouches for an artifact: keys that have signed it, or a checksum file that tells its digest. */
#ifndef DEWY_FETCH_SIGNATURES_H
#define DEWY_FETCH_SIGNATURES_H

#include "buf.h"
#include "fetch/expected.h"
#include "fetch/keys.h"
#include "json.h"
#include "registry/registry.h"

struct error;

/* What one key says of the artifact. */
struct voucher {
	const struct minisign_key *key;
	struct minisign_signature signature;
	char *file;               /* name of the signature */
	char digest[DIGEST_TEXT]; /* that a signed checksum file tells; "" when it is the artifact that is signed */
	bool holds;               /* it is true of the content that was judged last */
};

/* {0}, but for the keys, is what has learnt nothing. */
struct signatures {
	struct keys keys;
	struct voucher *items;
	size_t count;
	struct buf refused; /* why others do not count, "; " between two */
	size_t refusals;
};

void signatures_free(struct signatures *signatures);

/* Reads the signatures of the artifact that the document tells of, and of its checksum files, and keeps those whose trusted comment
 * a key has signed and whose claims are true; those of checksum files are verified. Tells expected what has to be computed. Returns
 * 0 when so many keys as are wanted may vouch for the artifact; or -1, with ERROR_INTEGRITY when they do not, or the registry's
 * error. */
int signatures_learn(struct signatures *signatures, struct registry *registry, const cJSON *document, struct expected *expected,
		     struct error *error);

/* Verifies all that was learnt against the content. Returns 0 when so many keys as are wanted vouch for it; or -1 with
 * ERROR_INTEGRITY. */
int signatures_judge(struct signatures *signatures, const struct content *content, const char *name, struct error *error);

/* Logs the signatures that hold, and returns them as fetch.signatures has them; the caller deletes it. */
cJSON *signatures_describe(const struct signatures *signatures);

#endif
