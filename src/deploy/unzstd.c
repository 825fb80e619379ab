/* SPDX-License-Identifier: MIT */
/* Zstandard (RFC 8878). Windows are at most 128 MiB, as the library has it unasked. */
#include "deploy/unpack.h"

#include "alloc.h"
#include "error.h"

#include <zstd.h>
#include <zstd_errors.h>

static void *open_zstd(void)
{
	return xrequire(ZSTD_createDStream());
}

static void close_zstd(void *state)
{
	ZSTD_freeDStream(state);
}

static void restart(void *state)
{
	ZSTD_DCtx_reset(state, ZSTD_reset_session_only);
}

static int failed(size_t result, struct error *error)
{
	ZSTD_ErrorCode code = ZSTD_getErrorCode(result);

	if (code == ZSTD_error_memory_allocation || code == ZSTD_error_frameParameter_windowTooLarge)
		return unpack_too_large(error);
	return unpack_damaged(&unpack_zstd, ZSTD_getErrorName(result), error);
}

static int some(void *state, struct inflate_room *room, bool last, struct error *error)
{
	ZSTD_inBuffer in = {.src = room->in, .size = room->in_length};
	ZSTD_outBuffer out = {.dst = room->out, .size = room->out_length};
	size_t result = ZSTD_decompressStream(state, &out, &in);

	(void)last;
	room->in += in.pos;
	room->in_length -= in.pos;
	room->out += out.pos;
	room->out_length -= out.pos;
	return ZSTD_isError(result) ? failed(result, error) : result != 0;
}

const struct unpacker unpack_zstd = {.name = "zstd", .open = open_zstd, .close = close_zstd, .restart = restart, .some = some};
