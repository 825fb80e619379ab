/* SPDX-License-Identifier: MIT */
#include "deploy/zip_content.h"

#include "deploy/ahead.h"
#include "deploy/inflate.h"
#include "deploy/stream.h"
#include "deploy/zip.h"
#include "deploy/zip_extra.h"

#include "alloc.h"
#include "cleanup.h"
#include "error.h"

#include <stdlib.h>
#include <string.h>

enum {
	LOCAL = 30, /* bytes of a local header without what follows it (4.3.7) */
	BLOCK = 256 * 1024,
	AHEAD_FROM = 1 << 20, /* bytes, compressed, from which on it pays to decompress beside writing */
};

void zip_content_open(struct zip_content *content, const struct source *whole)
{
	*content = (struct zip_content){.whole = whole};
	source_open_part(&content->source, whole, 0, 0);
}

void zip_content_close(struct zip_content *content)
{
	ahead_close(content->ahead);
	stream_close(content->stream);
	inflate_close(content->inflate);
	source_close(&content->source);
	free(content->block);
	*content = (struct zip_content){0};
}

/* Sizes and checksum stand in the local header, when they do not follow the data; there they are not looked at. */
static bool has_same_sizes(const struct zip_record *record, const unsigned char *header, struct zip_extra *extra)
{
	long long packed = (long long)zip_number(header + 18, 4), size = (long long)zip_number(header + 22, 4);

	if (zip_number(header + 6, 2) & ZIP_SIZES_FOLLOW)
		return true;
	return zip_extra_large(extra, &size) && zip_extra_large(extra, &packed) && size == record->size &&
	       packed == record->packed && zip_number(header + 14, 4) == record->crc;
}

static size_t length_of(const unsigned char *header)
{
	return LOCAL + zip_number(header + 26, 2) + zip_number(header + 28, 2);
}

/* Compares what both headers say; the local one and its extra fields are whole. */
static int compare(const struct zip_record *record, const unsigned char *header, struct error *error)
{
	static const unsigned same_flags = ZIP_ENCRYPTED | ZIP_STRONGLY | ZIP_UTF8 | ZIP_MASKED;
	size_t name = zip_number(header + 26, 2), other = zip_number(header + 28, 2);
	struct zip_extra extra;

	if (name != record->name_length || memcmp(header + LOCAL, record->name, name) != 0)
		return zip_damaged(error, "its directory has another name than the entry itself");
	if ((zip_number(header + 6, 2) ^ record->flags) & same_flags || zip_number(header + 8, 2) != record->method)
		return zip_damaged(error, "its directory has another method than the entry itself");
	if (!zip_extra_read(header + LOCAL + name, other, &extra))
		return zip_damaged(error, "an extra field is broken");
	if (!has_same_sizes(record, header, &extra))
		return zip_damaged(error, "its directory has other sizes than the entry itself");
	return 0;
}

/* Reads on in the compressed data. Returns 1, 0 at its end, or -1. */
static int refill(struct zip_content *content, struct error *error)
{
	const void *bytes;

	if (content->length)
		return 1;
	ssize_t got = source_read(&content->source, &bytes, error);
	if (got <= 0)
		return (int)got;
	content->bytes = bytes;
	content->length = (size_t)got;
	return 1;
}

/* Fills bytes with size bytes of a deflated member. Returns how many, fewer only at the end, or -1. */
static ssize_t fill(void *context, void *bytes, size_t size, struct error *error)
{
	struct zip_content *content = context;
	struct inflate_room room = {.out = bytes, .out_length = size};

	while (room.out_length && !content->ended) {
		size_t before = room.out_length;
		int more = refill(content, error);
		if (more < 0)
			return -1;
		room.in = content->bytes;
		room.in_length = content->length;
		enum inflate_result result = inflate_some(content->inflate, &room); /* which may hold back some, even of the end */
		content->bytes = room.in;
		content->length = room.in_length;
		if (result == INFLATE_DAMAGED)
			return zip_damaged(error, inflate_reason(content->inflate));
		content->ended = result == INFLATE_ENDED;
		if (!more && !content->ended && room.out_length == before)
			return zip_damaged(error, "the data of an entry ends too early");
	}
	if (content->ended &&
	    (content->length || inflate_held(content->inflate) || content->source.offset < content->source.size))
		return zip_damaged(error, "the data of an entry ends too late");
	return (ssize_t)(size - room.out_length);
}

/* What is compressed otherwise and empty is not decompressed: a stream that holds nothing counts as damaged. */
static bool holds_nothing(const struct zip_record *record)
{
	return record->size == 0 && record->method != ZIP_STORED && record->method != ZIP_DEFLATED;
}

static void prepare(struct zip_content *content)
{
	static const enum compression others[] = {
		[ZIP_BZIP2] = COMPRESSION_BZIP2, [ZIP_ZSTD] = COMPRESSION_ZSTD, [ZIP_XZ] = COMPRESSION_XZ};

	if (content->record->method == ZIP_STORED || holds_nothing(content->record))
		return;
	if (content->record->method != ZIP_DEFLATED) {
		content->source.offset = 0;
		content->stream = stream_open_as(&content->source, others[content->record->method]);
		return;
	}
	if (!content->block)
		content->block = xreallocarray(NULL, BLOCK, 1);
	if (content->inflate)
		inflate_restart(content->inflate);
	else
		content->inflate = inflate_open(INFLATE_RAW);
	if (content->record->packed < AHEAD_FROM)
		return;
	source_hurry(&content->source);
	content->ahead = ahead_open(fill, content);
}

int zip_content_begin(struct zip_content *content, const struct zip_record *record, struct error *error)
{
	struct source *source = &content->source;
	long long room = record->limit - record->offset;
	const void *header;

	content->record = record;
	ahead_close(steal_pointer(&content->ahead));
	stream_close(steal_pointer(&content->stream));
	source_rest(source);
	source->begin = content->whole->begin + record->offset;
	source->size = room;
	source->offset = 0;
	ssize_t got = source_read(source, &header, error);
	if (got < 0)
		return -1;
	if (got < LOCAL || memcmp(header, "PK\3\4", 4) != 0)
		return zip_damaged(error, "an entry is not where its directory says");
	size_t length = length_of(header);
	if ((size_t)got < length || record->packed > room - (long long)length)
		return zip_damaged(error, "an entry reaches into what follows it");
	if (compare(record, header, error))
		return -1;
	size_t more = (size_t)got - length;
	content->bytes = (const unsigned char *)header + length;
	content->length = (long long)more < record->packed ? more : (size_t)record->packed;
	content->size = 0;
	content->crc = 0;
	content->ended = false;
	source->begin += (long long)length;
	source->size = record->packed;
	source->offset = (long long)content->length;
	prepare(content);
	return 0;
}

static ssize_t read_more(struct zip_content *content, const void **ret_bytes, struct error *error)
{
	if (holds_nothing(content->record))
		return 0;
	if (content->ahead)
		return ahead_read(content->ahead, ret_bytes, error);
	if (content->record->method == ZIP_DEFLATED) {
		*ret_bytes = content->block;
		return fill(content, content->block, BLOCK, error);
	}
	if (content->stream)
		return stream_read(content->stream, ret_bytes, error);
	int more = refill(content, error);
	*ret_bytes = content->bytes;
	ssize_t length = more > 0 ? (ssize_t)content->length : more;
	content->length = 0;
	return length;
}

ssize_t zip_content_read(struct zip_content *content, const void **ret_bytes, struct error *error)
{
	ssize_t got = read_more(content, ret_bytes, error);

	if (got < 0)
		return -1;
	content->size += got;
	if (content->size > content->record->size || (got == 0 && content->size < content->record->size))
		return zip_damaged(error, "an entry has another size than its directory says");
	if (got)
		content->crc = inflate_crc(content->crc, *ret_bytes, (size_t)got);
	else if (content->crc != content->record->crc)
		return zip_damaged(error, "an entry has another checksum than its directory says");
	return got;
}
