/* SPDX-License-Identifier: MIT */
/* The way of an artifact from its registry into the cache. */
#ifndef DEWY_FETCH_DOWNLOAD_H
#define DEWY_FETCH_DOWNLOAD_H

#include "fetch/expected.h"
#include "fetch/signatures.h"
#include "registry/registry.h"
#include "stage.h"

/* What one run of the stage works on. */
struct fetch {
	const struct stage_run *run;
	int cache;       /* the cache directory */
	char *path;      /* its path */
	const char *key; /* name of the artifact in the cache */
	struct expected expected;
	struct signatures signatures;
	char rejected[DIGEST_TEXT]; /* digest of what was rejected under the same version, "" for none */
	bool off, required;       /* --verify-checksum */
	struct registry registry; /* opened when it is first needed */
};

/* Opens the registry of the document, unless it is. Returns 0 or -1. */
int fetch_open_registry(struct fetch *fetch, struct error *error);

/* Asks the checksum files of the release when the registry itself tells too little. Returns 0 or -1. */
int fetch_learn_checksums(struct fetch *fetch, struct error *error);

/* Returns 0 when the content is what is expected, and those vouch for it who have to; else -1 with ERROR_INTEGRITY. */
int fetch_verify(struct fetch *fetch, const struct content *content, struct error *error);

/* Downloads into a file beside the key, verifies it, and gives it the name of its key. Returns 0 or -1. */
int fetch_download(struct fetch *fetch, struct content *ret, struct error *error);

#endif
