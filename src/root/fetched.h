/* SPDX-License-Identifier: MIT */
/* Which upload the artifact in the cache is of. Most registries tell no digest in their lists, but what tells one upload from the
 * next; so the digest of what came as an upload is remembered: in the record of the release that was made of it, and, until there
 * is one, in ROOT/.dewy/fetched.json.
 * {"artifact":{"cache_key":"v1.2.3--app.tar.gz","revision":"...","digest":"sha256:..."}} */
#ifndef DEWY_ROOT_FETCHED_H
#define DEWY_ROOT_FETCHED_H

#include "digest.h"
#include "json.h"
#include "root/root.h"

/* Returns true with the digest of the artifact that the document tells of, when this very upload of it was downloaded last, or is
 * what current leads to; false when that is not known, so that what the cache has under its key may be another one. */
bool fetched_recall(const struct root *root, const cJSON *document, char ret_digest[DIGEST_TEXT]);

/* Remembers the digest of the upload that the document tells of. It need not last: who has forgotten it downloads again. */
void fetched_remember(const struct root *root, const cJSON *document, const char *digest);

#endif
