/* SPDX-License-Identifier: MIT */
#include "deploy/source.h"
#include "deploy/zip.h"

#include "alloc.h"
#include "cleanup.h"
#include "error.h"

#include <limits.h>
#include <string.h>

enum {
	END = 22,        /* bytes of the end record without its comment (4.3.16) */
	COMMENT = 65535, /* most bytes of that */
	PADDING = 16 * 1024, /* most bytes behind it; writers fill up a record, 10 KiB as a rule */
	LOCATOR = 20,    /* the locator of the zip64 end record, right before the end record (4.3.15) */
	LARGE_END = 56,  /* the zip64 end record, right before its locator (4.3.14) */
	LARGE_HEAD = 12, /* what its own size does not count */
};

static bool is_zero(const unsigned char *bytes, size_t length)
{
	return length == 0 || (*bytes == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

/* Zeros, which pad to the size of a block, may follow the comment. */
static bool is_end(const unsigned char *bytes, size_t left)
{
	if (left < END || memcmp(bytes, "PK\5\6", 4) != 0)
		return false;
	size_t own = END + zip_number(bytes + 20, 2);
	return own <= left && is_zero(bytes + own, left - own);
}

/* Finds the one end record behind which there is nothing: with two, readers could see two archives. */
static int find(const unsigned char *tail, size_t length, const unsigned char **ret_end, struct error *error)
{
	*ret_end = NULL;
	for (size_t at = 0; at < length; at++) {
		const unsigned char *next = memchr(tail + at, 'P', length - at);
		if (!next)
			break;
		at = (size_t)(next - tail);
		if (!is_end(next, length - at))
			continue;
		if (*ret_end)
			return zip_damaged(error, "it has two end records");
		*ret_end = next;
	}
	return *ret_end ? 0 : zip_damaged(error, "its end record is missing, or something follows it");
}

/* True when the end record says the same as the zip64 end record, or leaves it to that with all bits set (4.4.1.4). */
static bool agrees(const unsigned char *end, const unsigned char *large)
{
	static const struct { unsigned at, bytes, large_at, large_bytes; } fields[] = {
		{4, 2, 16, 4}, {6, 2, 20, 4}, {8, 2, 24, 8}, {10, 2, 32, 8}, {12, 4, 40, 8}, {16, 4, 48, 8}};

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		uint64_t said = zip_number(end + fields[i].at, fields[i].bytes);
		uint64_t all = (UINT64_C(1) << (8 * fields[i].bytes)) - 1;
		if (said != all && said != zip_number(large + fields[i].large_at, fields[i].large_bytes))
			return false;
	}
	return true;
}

/* What both end records say. */
struct said {
	uint64_t disk, first_disk, entries_here, entries, size, offset;
};

static int settle(const struct said *said, long long behind, struct zip_end *ret, struct error *error)
{
	if (said->disk || said->first_disk || said->entries_here != said->entries)
		return zip_damaged(error, "it is one of several parts");
	if (said->size > (uint64_t)behind || said->offset > (uint64_t)behind - said->size || said->entries > LLONG_MAX)
		return zip_damaged(error, "its directory is not where it should be");
	ret->size = (long long)said->size;
	ret->begin = behind - ret->size;
	ret->entries = (long long)said->entries;
	ret->shift = ret->begin - (long long)said->offset;
	return 0;
}

/* Reads the zip64 end record; behind it, at the offset locator, its locator was found. */
static int read_large(const struct source *source, const unsigned char *end, const unsigned char *locator, long long offset,
		      struct zip_end *ret, struct error *error)
{
	unsigned char large[LARGE_END];
	long long begin = offset - LARGE_END;
	int missing = source_peek(source, begin, large, sizeof large, error);

	if (missing < 0)
		return -1;
	if (missing || memcmp(large, "PK\6\6", 4) != 0 || zip_number(large + 4, 8) != LARGE_END - LARGE_HEAD)
		return zip_damaged(error, "its zip64 end record is missing");
	if (!agrees(end, large))
		return zip_damaged(error, "its end records contradict each other");
	const struct said said = {zip_number(large + 16, 4), zip_number(large + 20, 4), zip_number(large + 24, 8),
				  zip_number(large + 32, 8), zip_number(large + 40, 8), zip_number(large + 48, 8)};
	if (settle(&said, begin, ret, error))
		return -1;
	if (zip_number(locator + 4, 4) || zip_number(locator + 16, 4) > 1 ||
	    zip_number(locator + 8, 8) != (uint64_t)(begin - ret->shift))
		return zip_damaged(error, "its zip64 end record is not where it should be");
	return 0;
}

int zip_find_end(const struct source *source, struct zip_end *ret, struct error *error)
{
	enum { MOST = END + COMMENT + PADDING };
	size_t length = source->size < MOST ? (size_t)source->size : MOST;
	AUTO_FREE unsigned char *tail = xcalloc(length, 1);
	unsigned char locator[LOCATOR];
	const unsigned char *end;

	int missing = source_peek(source, source->size - (long long)length, tail, length, error);
	if (missing)
		return missing < 0 ? -1 : zip_damaged(error, "it ends too early");
	if (find(tail, length, &end, error))
		return -1;
	long long behind = source->size - (long long)length + (end - tail);
	missing = source_peek(source, behind - LOCATOR, locator, sizeof locator, error);
	if (missing < 0)
		return -1;
	if (!missing && memcmp(locator, "PK\6\7", 4) == 0)
		return read_large(source, end, locator, behind - LOCATOR, ret, error);
	const struct said said = {zip_number(end + 4, 2),  zip_number(end + 6, 2),  zip_number(end + 8, 2),
				  zip_number(end + 10, 2), zip_number(end + 12, 4), zip_number(end + 16, 4)};
	return settle(&said, behind, ret, error);
}
