/* SPDX-License-Identifier: MIT */
#include "deploy/zip_extra.h"

#include "deploy/zip.h"

#include <limits.h>

enum {
	HEAD = 4, /* a number and a length */
	EXTRA_LARGE = 0x0001,
	EXTRA_TIMES = 0x5455,     /* flags, and the modification time when the first is set: Info-ZIP's proginfo/extrafld.txt */
	EXTRA_OLD_TIMES = 0x5855, /* access and modification: the same */
	EXTRA_NAME = 0x7075,
};

static void date(struct zip_extra *extra, const unsigned char *mtime)
{
	extra->dated = true;
	extra->mtime = (int32_t)(uint32_t)zip_number(mtime, 4);
}

/* Returns false when a field contradicts one before it, or itself. */
static bool read_field(unsigned number, const unsigned char *bytes, size_t length, struct zip_extra *extra)
{
	switch (number) {
	case EXTRA_LARGE:
		if (extra->large)
			return false;
		extra->large = bytes;
		extra->large_length = length;
		return true;
	case EXTRA_TIMES:
		if (length >= 5 && bytes[0] & 1)
			date(extra, bytes + 1);
		return true;
	case EXTRA_OLD_TIMES:
		if (length >= 8 && !extra->dated)
			date(extra, bytes + 4);
		return true;
	case EXTRA_NAME:
		if (extra->name)
			return false;
		if (length > 5 && bytes[0] == 1) {
			extra->name_crc = (uint32_t)zip_number(bytes + 1, 4);
			extra->name = bytes + 5;
			extra->name_length = length - 5;
		}
		return true;
	default:
		return true;
	}
}

bool zip_extra_read(const unsigned char *bytes, size_t length, struct zip_extra *ret)
{
	*ret = (struct zip_extra){0};
	while (length >= HEAD) { /* fewer bytes than that pad */
		size_t own = zip_number(bytes + 2, 2);
		if (own > length - HEAD || !read_field((unsigned)zip_number(bytes, 2), bytes + HEAD, own, ret))
			return false;
		bytes += HEAD + own;
		length -= HEAD + own;
	}
	return true;
}

bool zip_extra_large(struct zip_extra *extra, long long *value)
{
	if (*value != UINT32_MAX)
		return true;
	if (!extra->large || extra->large_length < 8)
		return false;
	uint64_t large = zip_number(extra->large, 8);
	extra->large += 8;
	extra->large_length -= 8;
	*value = (long long)large;
	return large <= LLONG_MAX;
}
