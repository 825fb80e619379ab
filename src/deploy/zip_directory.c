/* SPDX-License-Identifier: MIT */
#include "deploy/zip_directory.h"

#include "deploy/inflate.h"
#include "deploy/zip.h"
#include "deploy/zip_extra.h"

#include "alloc.h"
#include "error.h"

#include <stdlib.h>
#include <string.h>

enum {
	RECORD = 46,                /* bytes of a record without what follows it */
	UNORDERED_LIMIT = 4 << 20,  /* members of a directory that is not in order: they take 32 MiB */
};

/* Date and time of MS-DOS (4.4.6). They are local, nobody knows where; as UTC they are the same on all machines. */
static time_t from_dos(unsigned date, unsigned clock)
{
	struct tm fields = {.tm_year = (int)(date >> 9) + 80,
			    .tm_mon = (int)(date >> 5 & 15) - 1,
			    .tm_mday = (int)(date & 31),
			    .tm_hour = (int)(clock >> 11),
			    .tm_min = (int)(clock >> 5 & 63),
			    .tm_sec = (int)(clock & 31) * 2};

	return timegm(&fields);
}

static bool is_of_name(const struct zip_extra *extra, const struct zip_record *record)
{
	return extra->name && inflate_crc(0, record->name, record->name_length) == extra->name_crc;
}

static int add_extra(struct zip_record *record, struct zip_extra *extra, struct error *error)
{
	if (!zip_extra_large(extra, &record->size) || !zip_extra_large(extra, &record->packed) ||
	    !zip_extra_large(extra, &record->offset))
		return zip_damaged(error, "a size or a place in its directory is missing, or too large");
	if (extra->dated)
		record->mtime = extra->mtime;
	if (is_of_name(extra, record)) {
		record->unicode = (const char *)extra->name;
		record->unicode_length = extra->name_length;
	}
	return 0;
}

static size_t length_of(const unsigned char *bytes)
{
	return RECORD + zip_number(bytes + 28, 2) + zip_number(bytes + 30, 2) + zip_number(bytes + 32, 2);
}

/* Takes a whole record apart. Returns 0 or -1. */
static int parse(const unsigned char *bytes, struct zip_record *ret, struct error *error)
{
	size_t name = zip_number(bytes + 28, 2), other = zip_number(bytes + 30, 2);
	struct zip_extra extra;

	if (memcmp(bytes, "PK\1\2", 4) != 0 || zip_number(bytes + 34, 2))
		return zip_damaged(error, "an entry of its directory is none");
	*ret = (struct zip_record){.system = bytes[5],
				   .flags = (unsigned)zip_number(bytes + 8, 2),
				   .method = (unsigned)zip_number(bytes + 10, 2),
				   .mtime = from_dos((unsigned)zip_number(bytes + 14, 2), (unsigned)zip_number(bytes + 12, 2)),
				   .crc = (uint32_t)zip_number(bytes + 16, 4),
				   .packed = (long long)zip_number(bytes + 20, 4),
				   .size = (long long)zip_number(bytes + 24, 4),
				   .attributes = (uint32_t)zip_number(bytes + 38, 4),
				   .offset = (long long)zip_number(bytes + 42, 4),
				   .name = (const char *)bytes + RECORD,
				   .name_length = name};
	if (!zip_extra_read(bytes + RECORD + name, other, &extra))
		return zip_damaged(error, "an entry of its directory has a broken extra field");
	return add_extra(ret, &extra, error);
}

/* Returns length bytes at position in the directory, until the next call; NULL with the error when they cannot be had. */
static const unsigned char *fetch(struct zip_directory *directory, long long position, size_t length, struct error *error)
{
	struct source *source = &directory->source;

	if (position < directory->window || position + (long long)length > source->offset) {
		const void *bytes;
		source->offset = directory->window = position;
		ssize_t got = source_read(source, &bytes, error);
		if (got >= 0 && (size_t)got < length)
			zip_damaged(error, "its directory ends too early");
		if (got < 0 || (size_t)got < length)
			return NULL;
	}
	return (const unsigned char *)source->buffer + (position - directory->window);
}

/* Reads the record at position. Returns 0 with its length, or -1. */
static int read_record(struct zip_directory *directory, long long position, struct zip_record *ret, size_t *ret_length,
		       struct error *error)
{
	long long left = directory->source.size - position;
	const unsigned char *bytes = left < RECORD ? NULL : fetch(directory, position, RECORD, error);

	if (left < RECORD)
		return zip_damaged(error, "its directory ends within an entry");
	if (!bytes)
		return -1;
	*ret_length = length_of(bytes);
	if ((long long)*ret_length > left)
		return zip_damaged(error, "an entry goes beyond the end of its directory");
	bytes = fetch(directory, position, *ret_length, error);
	if (!bytes || parse(bytes, ret, error))
		return -1;
	if (ret->offset > directory->begin - directory->shift)
		return zip_damaged(error, "an entry is said to be behind its directory");
	ret->offset += directory->shift;
	return 0;
}

/* What is found out when the whole directory is read. */
struct survey {
	long long entries;
	bool ordered, only_common;
};

static int survey(struct zip_directory *directory, struct survey *ret, struct error *error)
{
	struct zip_record record;
	size_t length;

	*ret = (struct survey){.ordered = true, .only_common = true};
	for (long long position = 0, last = -1; position < directory->source.size; position += (long long)length) {
		if (read_record(directory, position, &record, &length, error))
			return -1;
		if (record.offset <= last)
			ret->ordered = false;
		if (record.method != ZIP_STORED && record.method != ZIP_DEFLATED)
			ret->only_common = false;
		last = record.offset;
		ret->entries++;
	}
	if (ret->entries != directory->entries)
		return zip_damaged(error, "its directory does not have as many entries as its end record counts");
	return 0;
}

static int by_size(const void *a, const void *b)
{
	long long first = *(const long long *)a, second = *(const long long *)b;

	return (first > second) - (first < second);
}

static int sort(struct zip_directory *directory, struct error *error)
{
	struct zip_record record;
	long long position = 0;
	size_t length;

	if (directory->entries > UNORDERED_LIMIT)
		return zip_damaged(error, "the millions of entries of its directory are in no order");
	directory->offsets = xcalloc((size_t)directory->entries, sizeof *directory->offsets);
	for (long long i = 0; i < directory->entries; i++, position += (long long)length) {
		if (read_record(directory, position, &record, &length, error))
			return -1;
		directory->offsets[i] = record.offset;
	}
	qsort(directory->offsets, (size_t)directory->entries, sizeof *directory->offsets, by_size);
	for (long long i = 1; i < directory->entries; i++)
		if (directory->offsets[i] == directory->offsets[i - 1])
			return zip_damaged(error, "two entries of its directory are the same data");
	return 0;
}

int zip_directory_open(struct zip_directory *directory, const struct source *whole, struct error *error)
{
	struct survey found;
	struct zip_end end;

	*directory = (struct zip_directory){0};
	if (zip_find_end(whole, &end, error))
		return -1;
	source_open_part(&directory->source, whole, end.begin, end.size);
	directory->begin = end.begin;
	directory->entries = end.entries;
	directory->shift = end.shift;
	if (survey(directory, &found, error))
		return -1;
	directory->only_common = found.only_common;
	return found.ordered ? 0 : sort(directory, error);
}

void zip_directory_close(struct zip_directory *directory)
{
	source_close(&directory->source);
	free(directory->offsets);
	directory->offsets = NULL;
}

/* Tells where what follows the member begins. */
static int find_limit(struct zip_directory *directory, long long following, long long offset, long long *ret, struct error *error)
{
	struct zip_record next;
	size_t length;

	*ret = directory->begin;
	if (directory->offsets) {
		const long long *own = bsearch(&offset, directory->offsets, (size_t)directory->entries, sizeof offset, by_size);
		if (own && own + 1 < directory->offsets + directory->entries)
			*ret = own[1];
	} else if (following < directory->source.size) {
		if (read_record(directory, following, &next, &length, error))
			return -1;
		*ret = next.offset;
	}
	return 0;
}

int zip_directory_next(struct zip_directory *directory, struct zip_record *ret, struct error *error)
{
	long long limit;
	size_t length;

	if (directory->position >= directory->source.size)
		return 0;
	if (read_record(directory, directory->position, ret, &length, error) ||
	    find_limit(directory, directory->position + (long long)length, ret->offset, &limit, error) ||
	    read_record(directory, directory->position, ret, &length, error)) /* again: the names may have been read over */
		return -1;
	ret->limit = limit;
	directory->position += (long long)length;
	return 1;
}
