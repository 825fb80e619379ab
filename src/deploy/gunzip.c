/* SPDX-License-Identifier: MIT */
/* gzip (RFC 1952). */
#include "deploy/unpack.h"

#include "error.h"

static void *open_gzip(void)
{
	return inflate_open(INFLATE_GZIP);
}

static void close_inflate(void *state)
{
	inflate_close(state);
}

static void restart(void *state)
{
	inflate_restart(state);
}

static int some(void *state, struct inflate_room *room, bool last, struct error *error)
{
	struct inflate *inflate = state;
	enum inflate_result result = inflate_some(inflate, room);

	(void)last;
	if (result == INFLATE_DAMAGED)
		return unpack_damaged(&unpack_gzip, inflate_reason(inflate), error);
	return result == INFLATE_MORE;
}

const struct unpacker unpack_gzip = {
	.name = "gzip", .padded = true, .open = open_gzip, .close = close_inflate, .restart = restart, .some = some};
