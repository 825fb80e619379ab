/* SPDX-License-Identifier: MIT */
/* What the trusted comment of a signature claims of the file that it is of: a signature alone says nothing of its name and version.
 * dewy-fetch(1) has the words. */
#ifndef DEWY_FETCH_CLAIMS_H
#define DEWY_FETCH_CLAIMS_H

#include <stdbool.h>

struct error;

/* What the claims must be true of. */
struct claimed {
	const char *app, *version, *file;
};

/* Reads a list of claims, such as "app,version", NULL for none. Returns 0 with a bit for each; or -1 with ERROR_CONFIG. */
int claims_read(const char *list, unsigned *ret_claims, struct error *error);

/* True when the claims tell application and version, so that what was signed once cannot pass as another one. */
bool claims_bind(unsigned claims);

/* Returns 0 when each claim that the comment makes is true now, on this machine, and it makes all that are required; or -1 with
 * ERROR_INTEGRITY. */
int claims_check(const char *comment, unsigned required, const struct claimed *of, struct error *error);

#endif
