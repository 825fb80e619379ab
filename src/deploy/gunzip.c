/* SPDX-License-Identifier: MIT */
/* gzip (RFC 1952), and the deflated data in it (RFC 1951) on its own, as zips have it. */
#include "deploy/unpack.h"

#include "error.h"

static void *open_gzip(void)
{
	return inflate_open(INFLATE_GZIP);
}

static void *open_deflate(void)
{
	return inflate_open(INFLATE_RAW);
}

static void close_inflate(void *state)
{
	inflate_close(state);
}

static void restart(void *state)
{
	inflate_restart(state);
}

static int some(const struct unpacker *unpacker, struct inflate *inflate, struct inflate_room *room, struct error *error)
{
	enum inflate_result result = inflate_some(inflate, room);

	if (result == INFLATE_DAMAGED)
		return unpack_damaged(unpacker, inflate_reason(inflate), error);
	return result == INFLATE_MORE;
}

static int some_gzip(void *state, struct inflate_room *room, bool last, struct error *error)
{
	(void)last;
	return some(&unpack_gzip, state, room, error);
}

static int some_deflate(void *state, struct inflate_room *room, bool last, struct error *error)
{
	(void)last;
	return some(&unpack_deflate, state, room, error);
}

const struct unpacker unpack_gzip = {
	.name = "gzip", .padded = true, .open = open_gzip, .close = close_inflate, .restart = restart, .some = some_gzip};
const struct unpacker unpack_deflate = {
	.name = "deflated", .alone = true, .open = open_deflate, .close = close_inflate, .restart = restart, .some = some_deflate};
