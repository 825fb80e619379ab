/* SPDX-License-Identifier: MIT */
#include "deploy/unpack.h"

#include "alloc.h"
#include "error.h"

#include <stdlib.h>

struct unpack {
	const struct unpacker *unpacker;
	struct source *source;
	void *state;
	struct inflate_room room;
	bool within; /* a member has begun and not ended */
};

struct unpack *unpack_open(const struct unpacker *unpacker, struct source *source)
{
	struct unpack *unpack = xcalloc(1, sizeof *unpack);

	unpack->unpacker = unpacker;
	unpack->source = source;
	unpack->state = unpacker->open();
	unpack->within = true;
	return unpack;
}

void unpack_close(struct unpack *unpack)
{
	if (!unpack)
		return;
	unpack->unpacker->close(unpack->state);
	free(unpack);
}

int unpack_too_large(struct error *error)
{
	error_set(error, ERROR_INTEGRITY, "the archive needs too much memory to be read");
	return error_hint(error, "compress it with a smaller window, for example with xz -6 or zstd -19");
}

int unpack_damaged(const struct unpacker *unpacker, const char *reason, struct error *error)
{
	return error_set(error, ERROR_INTEGRITY, "the %s data is damaged: %s", unpacker->name, reason);
}

/* Reads more compressed bytes when none are left. Returns 1; 0 at the end of the file; or -1. */
static int fill(struct unpack *unpack, struct error *error)
{
	const void *bytes;

	if (unpack->room.in_length)
		return 1;
	ssize_t got = source_read(unpack->source, &bytes, error);
	if (got <= 0)
		return (int)got;
	unpack->room.in = bytes;
	unpack->room.in_length = (size_t)got;
	return 1;
}

/* Begins the next member, if there is one. Returns 1, 0 or -1. */
static int begin_member(struct unpack *unpack, struct error *error)
{
	for (;;) {
		int more = fill(unpack, error);
		if (more <= 0)
			return more;
		if (*unpack->room.in || !unpack->unpacker->padded)
			break;
		unpack->room.in++;
		unpack->room.in_length--;
	}
	unpack->unpacker->restart(unpack->state);
	unpack->within = true;
	return 1;
}

/* Fills the room until it is full or the member ends. Returns 0 or -1. */
static int unpack_member(struct unpack *unpack, struct error *error)
{
	while (unpack->room.out_length) {
		size_t before = unpack->room.out_length;
		int more = fill(unpack, error);
		if (more < 0)
			return -1;
		int result = unpack->unpacker->some(unpack->state, &unpack->room, !more, error);
		if (result < 0)
			return -1;
		if (result == 0) {
			unpack->within = false;
			return 0;
		}
		if (!more && unpack->room.out_length == before)
			return error_set(error, ERROR_INTEGRITY, "the %s data ends too early", unpack->unpacker->name);
	}
	return 0;
}

ssize_t unpack_read(struct unpack *unpack, void *bytes, size_t size, struct error *error)
{
	unpack->room.out = bytes;
	unpack->room.out_length = size;
	while (unpack->room.out_length) {
		int more = unpack->within ? 1 : begin_member(unpack, error);
		if (more < 0 || (more && unpack_member(unpack, error)))
			return -1;
		if (more == 0)
			break;
	}
	return (ssize_t)(size - unpack->room.out_length);
}
