/* SPDX-License-Identifier: MIT */
#include "deploy/zip_reader.h"

#include "deploy/member.h"
#include "deploy/zip.h"

#include "error.h"
#include "path.h"
#include "str.h"

#include <string.h>
#include <sys/stat.h>

enum {
	MSDOS = 0, UNIX = 3, /* systems (4.4.2.2) */
	READ_ONLY = 1, IS_DIRECTORY = 16, /* attributes of MS-DOS */
	FILE_MODE = 0664, DIRECTORY_MODE = 0775, /* where there are no modes */
};

int zip_reader_open(struct zip_reader *reader, const struct source *source, struct error *error)
{
	*reader = (struct zip_reader){0};
	zip_content_open(&reader->content, source);
	return zip_directory_open(&reader->directory, source, error);
}

void zip_reader_close(struct zip_reader *reader)
{
	zip_directory_close(&reader->directory);
	zip_content_close(&reader->content);
	buf_free(&reader->name);
	buf_free(&reader->path);
	buf_free(&reader->target);
}

static bool is_utf8(const char *text)
{
	while (*text) {
		size_t length = str_utf8_length(text);
		if (length == 0)
			return false;
		text += length;
	}
	return true;
}

/* Takes the name as it is to be spelled: Windows programs write their own separator. What is not said to be UTF-8 is kept as it is:
 * most often it is UTF-8 all the same. Returns NULL, or why it is refused. */
static const char *spell_name(struct zip_reader *reader)
{
	const struct zip_record *record = &reader->record;
	const char *name = record->unicode ? record->unicode : record->name;
	size_t length = record->unicode ? record->unicode_length : record->name_length;

	buf_clear(&reader->name);
	buf_puts(&reader->name, "");
	buf_add(&reader->name, name, length);
	for (char *at = reader->name.data; *at; at++)
		if (*at == '\\')
			*at = '/';
	if (memchr(name, '\0', length))
		return "the name contains a control character";
	if ((record->unicode || record->flags & ZIP_UTF8) && !is_utf8(reader->name.data))
		return "the name is not in UTF-8, though it is said to be";
	return NULL;
}

/* Returns type and permissions. A name that ends in a slash is a directory, whatever its attributes say. */
static mode_t mode_of(const struct zip_record *record, const char *name, bool *ret_invented)
{
	mode_t mode = record->system == UNIX ? record->attributes >> 16 : 0;
	bool directory = str_ends(name, "/");

	*ret_invented = mode == 0;
	if (record->system == MSDOS) {
		mode = record->attributes & IS_DIRECTORY ? S_IFDIR | DIRECTORY_MODE : S_IFREG | FILE_MODE;
		if (record->attributes & READ_ONLY)
			mode &= ~(mode_t)0222;
	} else if (mode == 0)
		mode = FILE_MODE;
	if (directory && !S_ISDIR(mode))
		mode = S_IFDIR | (mode & 0777) | 0111;
	/* Info-ZIP says that a file which it read from a pipe is one. */
	if ((mode & S_IFMT) == 0 || S_ISFIFO(mode))
		mode = S_IFREG | (mode & 0777);
	return mode;
}

static const char *describe(struct zip_reader *reader, const char *name, struct member *member)
{
	const struct zip_record *record = &reader->record;
	mode_t mode = mode_of(record, name, &member->invented);

	*member = (struct member){.mode = mode & 0777,
				  .invented = member->invented,
				  .size = record->size,
				  .mtime = {.tv_sec = record->mtime}};
	const char *reason = member_judge_name(member, &reader->path, name);
	if (!reason)
		reason = member_judge_type(member, mode);
	return reason ? reason : member_judge_place(member);
}

static bool is_known(unsigned method)
{
	return method == ZIP_STORED || method == ZIP_DEFLATED || method == ZIP_BZIP2 || method == ZIP_ZSTD || method == ZIP_XZ;
}

/* Looks at what keeps the data from being read. */
static int judge_data(const struct zip_record *record, const char *name, struct error *error)
{
	if (record->flags & (ZIP_ENCRYPTED | ZIP_STRONGLY | ZIP_MASKED))
		return member_refuse(name, "it is encrypted", error);
	if (is_known(record->method))
		return 0;
	AUTO_FREE char *label = path_label(name);
	error_set(error, ERROR_INTEGRITY, "%s: it is compressed by method %u of zip, which dewy does not read", label,
		  record->method);
	return error_hint(error, "make the zip with deflate, as zip -Z deflate does, or publish a .tar.gz or .tar.zst");
}

/* Reads where the link leads to. */
static int read_target(struct zip_reader *reader, struct member *member, struct error *error)
{
	const void *bytes;
	ssize_t got = 0;

	buf_clear(&reader->target);
	buf_puts(&reader->target, "");
	if (reader->record.size < PATH_BYTES) {
		if (zip_content_begin(&reader->content, &reader->record, error))
			return member_at(member->path, error);
		while ((got = zip_content_read(&reader->content, &bytes, error)) > 0)
			buf_add(&reader->target, bytes, (size_t)got);
		if (got < 0)
			return member_at(member->path, error);
	}
	member->target = buf_text(&reader->target);
	const char *reason = reader->record.size < PATH_BYTES ? path_judge_link(member->path, member->target)
							      : "the link leads to a name longer than 4095 bytes";
	if (!reason && strlen(member->target) != reader->target.length)
		reason = "the link leads to a name with a control character";
	return reason ? member_refuse(member->path, reason, error) : 0;
}

int zip_reader_next(struct zip_reader *reader, struct member *ret_member, struct error *error)
{
	int more = zip_directory_next(&reader->directory, &reader->record, error);

	if (more <= 0)
		return more;
	const char *reason = spell_name(reader), *name = buf_text(&reader->name);
	if (judge_data(&reader->record, name, error))
		return -1;
	if (!reason)
		reason = describe(reader, name, ret_member);
	if (reason)
		return member_refuse(name, reason, error);
	if (ret_member->type == MEMBER_SYMLINK && read_target(reader, ret_member, error))
		return -1;
	return 1;
}
