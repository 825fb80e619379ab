/* SPDX-License-Identifier: MIT */
/* By ISA-L, whose decoder is written for the machine, and twice as fast as zlib's. */
#include "deploy/inflate.h"

#include "alloc.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

enum { RESERVED_FLAGS = 0xe0 }; /* of a gzip header, which ISA-L does not look at */

struct inflate {
	struct inflate_state isal;
	struct isal_gzip_header header;
	enum inflate_form form;
	bool headed; /* the header of the gzip member was read */
	int failure;
};

struct inflate *inflate_open(enum inflate_form form)
{
	struct inflate *inflate = xcalloc(1, sizeof *inflate);

	inflate->form = form;
	inflate_restart(inflate);
	return inflate;
}

void inflate_close(struct inflate *inflate)
{
	free(inflate);
}

void inflate_restart(struct inflate *inflate)
{
	isal_inflate_init(&inflate->isal);
	isal_gzip_header_init(&inflate->header);
	if (inflate->form == INFLATE_GZIP)
		inflate->isal.crc_flag = ISAL_GZIP_NO_HDR_VER; /* crc and length of what follows the header are compared */
	inflate->headed = inflate->form == INFLATE_RAW;
}

static uint32_t clamp(size_t length)
{
	return length > UINT32_MAX ? UINT32_MAX : (uint32_t)length;
}

/* Returns what ISA-L says, or ISAL_END_INPUT when it needs more. */
static int decompress(struct inflate *inflate)
{
	if (!inflate->headed) {
		int result = isal_read_gzip_header(&inflate->isal, &inflate->header);
		if (result != ISAL_DECOMP_OK)
			return result;
		if (inflate->header.flags & RESERVED_FLAGS)
			return ISAL_INVALID_WRAPPER;
		inflate->headed = true;
	}
	return isal_inflate(&inflate->isal);
}

enum inflate_result inflate_some(struct inflate *state, struct inflate_room *room)
{
	struct inflate_state *isal = &state->isal;
	uint32_t in_length = clamp(room->in_length), out_length = clamp(room->out_length);

	isal->next_in = (uint8_t *)room->in; /* it is only read */
	isal->avail_in = in_length;
	isal->next_out = room->out;
	isal->avail_out = out_length;
	state->failure = decompress(state);
	room->in += in_length - isal->avail_in;
	room->in_length -= in_length - isal->avail_in;
	room->out += out_length - isal->avail_out;
	room->out_length -= out_length - isal->avail_out;
	if (state->failure != ISAL_DECOMP_OK && state->failure != ISAL_END_INPUT)
		return INFLATE_DAMAGED;
	return isal->block_state == ISAL_BLOCK_FINISH ? INFLATE_ENDED : INFLATE_MORE;
}

/* ISA-L reads ahead, and gives nothing back. */
size_t inflate_held(const struct inflate *inflate)
{
	return inflate->isal.read_in_length > 0 ? (size_t)inflate->isal.read_in_length / CHAR_BIT : 0;
}

const char *inflate_reason(const struct inflate *inflate)
{
	switch (inflate->failure) {
	case ISAL_INCORRECT_CHECKSUM:
		return "its checksum or length is another";
	case ISAL_INVALID_WRAPPER:
	case ISAL_UNSUPPORTED_METHOD:
		return "its header is none";
	case ISAL_INVALID_BLOCK:
		return "a block is none";
	case ISAL_INVALID_LOOKBACK:
		return "it refers to what is before its beginning";
	default:
		return "it cannot be decompressed";
	}
}

uint32_t inflate_crc(uint32_t crc, const void *bytes, size_t length)
{
	return crc32_gzip_refl(crc, bytes, length);
}
