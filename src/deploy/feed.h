/* SPDX-License-Identifier: MIT */
/* libarchive: opened in this one place, with tar and nothing else enabled, fed with bytes by us, and its errors turned
 * into ours. */
#ifndef DEWY_FEED_H
#define DEWY_FEED_H

#include "deploy/source.h"
#include "error.h"

#include <locale.h>
#include <stdbool.h>

struct archive;

struct feed {
	/* Returns how many bytes *ret_bytes points at until the next call, 0 at the end, or -1. */
	ssize_t (*read)(void *context, const void **ret_bytes, struct error *error);
	void *context;
	struct source *source; /* what read reads from when libarchive may skip in it, else NULL */

	struct archive *archive;
	bool ended;         /* libarchive was told that there is no more */
	struct error error; /* why read failed */
	locale_t outer_locale;
};

/* Reads what libarchive needs of the system, the locale, for a process that will be allowed to read no file. */
void feed_prepare(void);

/* Opens libarchive on what read, context and source say. Returns 0 or -1; the caller gives feed to feed_close in both
 * cases. */
int feed_open(struct feed *feed, struct error *error);

void feed_close(struct feed *feed);

/* Tells why the last call on feed->archive failed: with the error of read, else with ERROR_INTEGRITY. Returns -1. */
int feed_failed(const struct feed *feed, struct error *error);

#endif
