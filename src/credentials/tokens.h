/* SPDX-License-Identifier: MIT */
/* ROOT/.dewy/tokens.json: access tokens that were exchanged for a long-lived credential, so that not every run has to do so. Each
 * is sealed (seal.h) under that credential: the file alone is worth nothing. */
#ifndef DEWY_TOKENS_H
#define DEWY_TOKENS_H

#include <time.h>

struct root;

/* Returns the token that was kept under that name and credential and is still good for some minutes; NULL when there is none. The
 * caller frees it. */
char *tokens_find(const struct root *root, const char *name, const char *credential);

/* Keeps a token, unless it expires too soon to be found again. name says what it is for, without a secret in it: "github app 12
 * installation 34". That it cannot be kept is logged at DEBUG: it only costs an exchange. */
void tokens_keep(const struct root *root, const char *name, const char *credential, const char *token, time_t expires_at);

/* Forgets the token of that name, for example because it was revoked. */
void tokens_forget(const struct root *root, const char *name);

#endif
