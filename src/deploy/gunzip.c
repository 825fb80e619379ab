/* SPDX-License-Identifier: MIT */
#include "deploy/gunzip.h"

#include "alloc.h"
#include "deploy/inflate.h"
#include "error.h"

#include <stdbool.h>
#include <stdlib.h>

enum { GUNZIP_BLOCK = 256 * 1024 };

struct gunzip {
	struct source *source;
	enum inflate_form form;
	struct inflate *inflate;
	struct inflate_room room;
	bool within; /* a member has begun and not ended */
	bool ended;  /* bare data was read to its end, and nothing follows it */
	unsigned char *block;
};

struct gunzip *gunzip_open(struct source *source, enum inflate_form form)
{
	struct gunzip *gunzip = xcalloc(1, sizeof *gunzip);

	gunzip->source = source;
	gunzip->form = form;
	gunzip->inflate = inflate_open(form);
	gunzip->within = form == INFLATE_RAW;
	gunzip->block = xreallocarray(NULL, GUNZIP_BLOCK, 1); /* not cleared: a small member touches little of it */
	return gunzip;
}

void gunzip_close(struct gunzip *gunzip)
{
	if (!gunzip)
		return;
	inflate_close(gunzip->inflate);
	free(gunzip->block);
	free(gunzip);
}

/* Reads more compressed bytes when none are left. Returns 1; 0 at the end of the file; or -1. */
static int fill(struct gunzip *gunzip, struct error *error)
{
	const void *bytes;

	if (gunzip->room.in_length)
		return 1;
	ssize_t got = source_read(gunzip->source, &bytes, error);
	if (got <= 0)
		return (int)got;
	gunzip->room.in = bytes;
	gunzip->room.in_length = (size_t)got;
	return 1;
}

/* Begins the next member where zeros, which pad to the size of a block, may stand before the end. Returns 1, 0 or -1. */
static int begin_member(struct gunzip *gunzip, struct error *error)
{
	for (;;) {
		int more = fill(gunzip, error);
		if (more <= 0)
			return more;
		if (*gunzip->room.in)
			break;
		gunzip->room.in++;
		gunzip->room.in_length--;
	}
	inflate_restart(gunzip->inflate);
	gunzip->within = true;
	return 1;
}

static const char *name_of(const struct gunzip *gunzip)
{
	return gunzip->form == INFLATE_RAW ? "deflated" : "gzip";
}

static int damaged(const struct gunzip *gunzip, struct error *error)
{
	return error_set(error, ERROR_INTEGRITY, "the %s data is damaged: %s", name_of(gunzip), inflate_reason(gunzip->inflate));
}

/* Fills the block until it is full, the member ends, or the data is at its end. Returns 0 or -1. */
static int inflate_member(struct gunzip *gunzip, struct error *error)
{
	while (gunzip->room.out_length) {
		int more = fill(gunzip, error);
		if (more < 0)
			return -1;
		if (more == 0)
			return error_set(error, ERROR_INTEGRITY, "the %s data ends too early", name_of(gunzip));
		enum inflate_result result = inflate_some(gunzip->inflate, &gunzip->room);
		if (result == INFLATE_ENDED) {
			gunzip->within = false;
			gunzip->ended = gunzip->form == INFLATE_RAW;
			return 0;
		}
		if (result == INFLATE_DAMAGED)
			return damaged(gunzip, error);
	}
	return 0;
}

ssize_t gunzip_read(struct gunzip *gunzip, const void **ret_bytes, struct error *error)
{
	gunzip->room.out = gunzip->block;
	gunzip->room.out_length = GUNZIP_BLOCK;
	while (gunzip->room.out_length) {
		int more = gunzip->ended ? 0 : gunzip->within ? 1 : begin_member(gunzip, error);
		if (more < 0 || (more && inflate_member(gunzip, error)))
			return -1;
		if (more == 0)
			break;
	}
	*ret_bytes = gunzip->block;
	return GUNZIP_BLOCK - (ssize_t)gunzip->room.out_length;
}
