/* SPDX-License-Identifier: MIT */
/* inflated FILE: decompresses the gzip member in the file, which is small, then each beginning of it, and it with each of its bits
 * turned, in pieces of several lengths, and prints what came of each. It is built with each of what can stand behind inflate.h. */
#include "crc.h"
#include "deploy/inflate.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 4096, ROOM = 1 << 20 };

static unsigned char file[MOST], content[ROOM];

static size_t least(size_t one, size_t other)
{
	return one < other ? one : other;
}

/* Decompresses in pieces of step bytes. Returns whether it was whole, with the length of the content, and of what is behind it. */
static bool decompress(struct inflate *inflate, size_t length, size_t step, size_t *ret_length, size_t *ret_behind)
{
	size_t at = 0, filled = 0;

	inflate_restart(inflate);
	for (;;) {
		size_t in = least(step, length - at), out = least(step, ROOM - filled);
		struct inflate_room room = {.in = file + at, .in_length = in, .out = content + filled, .out_length = out};
		enum inflate_result result = inflate_some(inflate, &room);
		at += in - room.in_length;
		filled += out - room.out_length;
		*ret_length = filled;
		*ret_behind = length - at;
		if (result != INFLATE_MORE)
			return result == INFLATE_ENDED;
		if (room.in_length == in && room.out_length == out)
			return false;
	}
}

static void judge(struct inflate *inflate, const char *what, size_t number, size_t length)
{
	static const size_t steps[] = {1, 7, ROOM};
	size_t filled, behind;

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct crc crc;
		crc_begin(&crc, CRC32, 32);
		bool whole = decompress(inflate, length, steps[i], &filled, &behind);
		crc_add(&crc, content, filled);
		if (whole)
			printf("%s %zu: %zu bytes, %08llx, %zu behind\n", what, number, filled, (unsigned long long)crc_end(&crc),
			       behind);
		else
			printf("%s %zu: refused\n", what, number);
	}
}

int main(int argc, char **argv)
{
	FILE *in = argc == 2 ? fopen(argv[1], "rb") : NULL;
	size_t length = in ? fread(file, 1, MOST, in) : 0;

	if (!in || fclose(in) || length == MOST)
		return 2;
	struct inflate *inflate = inflate_open(INFLATE_GZIP);
	judge(inflate, "whole", length, length);
	for (size_t cut = 0; cut < length; cut++)
		judge(inflate, "cut", cut, cut);
	for (size_t bit = 0; bit < 8 * length; bit++) {
		file[bit / 8] ^= (unsigned char)(1 << bit % 8);
		judge(inflate, "bit", bit, length);
		file[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	inflate_close(inflate);
	return 0;
}
