/* SPDX-License-Identifier: MIT */
/* Whose signatures count: --verify-key, --verify-threshold and --verify-claims. */
#ifndef DEWY_FETCH_KEYS_H
#define DEWY_FETCH_KEYS_H

#include "cleanup.h"
#include "minisign.h"
#include "options.h"

struct error;

/* {0} is none: nothing has to be signed. */
struct keys {
	struct minisign_key *items; /* no two with the same public key */
	size_t count;
	size_t threshold; /* how many of them must have signed, 0 when there are none */
	unsigned claims;  /* that each signature must make (claims.h) */
};

#define AUTO_KEYS AUTO(keys_free)

void keys_free(struct keys *keys);

/* Reads what the options say. Returns 0; or -1 with ERROR_CONFIG, also for a file that others may write to, and for a demand that
 * no signature could meet; the caller gives keys to keys_free in both cases. */
int keys_read(const struct options *options, struct keys *ret, struct error *error);

#endif
