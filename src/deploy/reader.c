/* SPDX-License-Identifier: MIT */
#include "deploy/reader.h"

#include "alloc.h"
#include "buf.h"
#include "deploy/feed.h"
#include "deploy/form.h"
#include "deploy/zip_reader.h"
#include "path.h"
#include "str.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <sys/stat.h>

enum {
	TAR_BLOCK = 512,
	PADDING_LIMIT = 16 << 20, /* bytes behind the end mark of a tar; writers fill up a record, 10 KiB as a rule */
	PROGRAM_MODE = 0755,
};

struct reader {
	struct source source;
	struct stream *stream;
	enum form form;
	struct feed feed;      /* of a tar */
	struct zip_reader zip; /* of a zip */
	const void *head; /* the first block of the stream, while it is not consumed */
	size_t head_length;
	char *file_name;  /* of a FORM_FILE, NULL once it was returned */
	long long offset; /* in it */
	struct buf path, target;
};

/* Returns the first block again, and then what follows. */
static ssize_t read_stream(void *context, const void **ret_bytes, struct error *error)
{
	struct reader *reader = context;

	if (!reader->head)
		return stream_read(reader->stream, ret_bytes, error);
	*ret_bytes = steal_pointer(&reader->head);
	return (ssize_t)reader->head_length;
}

static ssize_t read_source(void *context, const void **ret_bytes, struct error *error)
{
	return source_read(&((struct reader *)context)->source, ret_bytes, error);
}

static int open_tar(struct reader *reader, struct error *error)
{
	reader->feed.context = reader;
	reader->feed.read = read_stream;
	if (stream_compression(reader->stream) == COMPRESSION_NONE) {
		reader->source.offset = 0;
		reader->feed.read = read_source;
		reader->feed.source = &reader->source;
	}
	return feed_open(&reader->feed, error);
}

static int open_file(struct reader *reader, const char *name, struct error *error)
{
	reader->file_name = form_file_name(name, stream_compression(reader->stream));
	if (!str_is_file_name(reader->file_name))
		return error_set(error, ERROR_INTEGRITY, "the artifact's name cannot be the name of a file");
	return reader->head_length ? 0 : error_set(error, ERROR_INTEGRITY, "the artifact is empty");
}

static int start(struct reader *reader, int fd, const char *name, struct error *error)
{
	if (source_open(&reader->source, fd, error))
		return -1;
	reader->stream = stream_open(&reader->source, error);
	if (!reader->stream)
		return -1;
	ssize_t got = stream_read(reader->stream, &reader->head, error);
	if (got < 0)
		return -1;
	reader->head_length = (size_t)got;
	if (form_recognise(name, stream_compression(reader->stream), reader->head, reader->head_length, &reader->form, error))
		return -1;
	switch (reader->form) {
	case FORM_FILE:
		return open_file(reader, name, error);
	case FORM_TAR:
		return open_tar(reader, error);
	case FORM_ZIP:
		return zip_reader_open(&reader->zip, &reader->source, error);
	}
	return 0;
}

struct reader *reader_open(int fd, const char *name, struct error *error)
{
	struct reader *reader = xcalloc(1, sizeof *reader);

	if (start(reader, fd, name, error) == 0)
		return reader;
	reader_close(reader);
	return NULL;
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	feed_close(&reader->feed);
	if (reader->form == FORM_ZIP)
		zip_reader_close(&reader->zip);
	stream_close(reader->stream);
	source_close(&reader->source);
	free(reader->file_name);
	buf_free(&reader->path);
	buf_free(&reader->target);
	free(reader);
}

const struct zip_reader *reader_zip(const struct reader *reader)
{
	return reader->form == FORM_ZIP ? &reader->zip : NULL;
}

long long reader_size(const struct reader *reader)
{
	return reader->source.size;
}

static int next_file(struct reader *reader, struct member *ret_member)
{
	if (!reader->file_name)
		return 0;
	buf_clear(&reader->path);
	buf_puts(&reader->path, reader->file_name);
	free(steal_pointer(&reader->file_name));
	*ret_member = (struct member){.type = MEMBER_FILE,
				      .path = buf_text(&reader->path),
				      .mode = PROGRAM_MODE,
				      .mtime = {.tv_nsec = UTIME_OMIT},
				      .size = stream_compression(reader->stream) == COMPRESSION_NONE ? reader->source.size : -1};
	return 1;
}

/* A compressed tar ends with the checksums of its compression, behind its own end mark: they are read, too. */
static int finish_stream(struct reader *reader, struct error *error)
{
	const void *bytes;
	ssize_t got;

	for (long long behind = 0; (got = read_stream(reader, &bytes, error)) > 0;)
		if ((behind += got) > PADDING_LIMIT)
			return error_set(error, ERROR_INTEGRITY, "the archive goes on for more than 16 MiB behind its end");
	return (int)got;
}

/* A tar that is not compressed has nothing but the blocks of zeros at its end to show that it is whole. */
static int finish_tar(const struct reader *reader, struct error *error)
{
	char last[TAR_BLOCK];
	int result = 0;

	if (reader->feed.ended)
		result = source_peek(&reader->source, reader->source.size - TAR_BLOCK, last, sizeof last, error);
	if (result < 0)
		return -1;
	if (reader->feed.ended && (result || last[0] || memcmp(last, last + 1, sizeof last - 1) != 0))
		return error_set(error, ERROR_INTEGRITY, "the archive ends too early: its end mark is missing");
	return 0;
}

static int finish(struct reader *reader, struct error *error)
{
	return stream_compression(reader->stream) == COMPRESSION_NONE ? finish_tar(reader, error) : finish_stream(reader, error);
}

static const char *judge_target(struct reader *reader, struct archive_entry *entry, struct member *member)
{
	const char *hard = archive_entry_hardlink(entry), *soft = archive_entry_symlink(entry);

	buf_clear(&reader->target);
	if (hard) {
		member->type = MEMBER_HARDLINK;
		const char *reason = path_clean(&reader->target, hard);
		member->target = buf_text(&reader->target);
		return reason || !*member->target ? "the hard link leads to a name that cannot be in the archive" : NULL;
	}
	if (member->type != MEMBER_SYMLINK)
		return NULL;
	buf_puts(&reader->target, soft ? soft : "");
	member->target = buf_text(&reader->target);
	return path_judge_link(member->path, member->target);
}

/* Fills in what the archive says of the entry. Returns NULL, or why it is refused. */
static const char *judge(struct reader *reader, struct archive_entry *entry, const char *name, struct member *member)
{
	const char *reason = member_judge_name(member, &reader->path, name);

	if (!reason && !archive_entry_hardlink(entry))
		reason = member_judge_type(member, archive_entry_filetype(entry));
	if (!reason)
		reason = judge_target(reader, entry, member);
	return reason ? reason : member_judge_place(member);
}

static void describe(struct archive_entry *entry, struct member *member)
{
	member->mode = archive_entry_perm(entry) & 0777;
	member->size = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : -1;
	member->mtime.tv_sec = archive_entry_mtime(entry);
	member->mtime.tv_nsec = archive_entry_mtime_is_set(entry) ? archive_entry_mtime_nsec(entry) : UTIME_OMIT;
}

static int next_entry(struct reader *reader, struct member *ret_member, struct error *error)
{
	struct archive_entry *entry;
	int result = archive_read_next_header(reader->feed.archive, &entry);

	if (result == ARCHIVE_EOF && !reader->feed.error.code)
		return finish(reader, error);
	if (result != ARCHIVE_OK)
		return feed_failed(&reader->feed, error);
	const char *name = archive_entry_pathname(entry);
	*ret_member = (struct member){0};
	const char *reason = judge(reader, entry, name ? name : "", ret_member);
	if (reason)
		return member_refuse(name ? name : "", reason, error);
	describe(entry, ret_member);
	return 1;
}

int reader_next(struct reader *reader, struct member *ret_member, struct error *error)
{
	switch (reader->form) {
	case FORM_FILE:
		return next_file(reader, ret_member);
	case FORM_TAR:
		return next_entry(reader, ret_member, error);
	case FORM_ZIP:
		return zip_reader_next(&reader->zip, ret_member, error);
	}
	return 0;
}

int reader_piece(struct reader *reader, struct piece *ret_piece, struct error *error)
{
	if (reader->form == FORM_FILE) {
		ssize_t got = read_stream(reader, &ret_piece->bytes, error);
		ret_piece->length = got > 0 ? (size_t)got : 0;
		ret_piece->offset = reader->offset;
		reader->offset += got > 0 ? got : 0;
		return got > 0 ? 1 : (int)got;
	}
	la_int64_t offset = 0;
	int result = archive_read_data_block(reader->feed.archive, &ret_piece->bytes, &ret_piece->length, &offset);
	ret_piece->offset = offset;
	if (result == ARCHIVE_EOF)
		return 0;
	return result == ARCHIVE_OK ? 1 : feed_failed(&reader->feed, error);
}
