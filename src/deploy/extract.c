/* SPDX-License-Identifier: MIT */
#include "deploy/extract.h"

#include "deploy/crew.h"
#include "deploy/output.h"
#include "deploy/reader.h"
#include "deploy/walk.h"
#include "error.h"

/* Counts what a piece adds to the file, be it a hole, and writes it. */
static int write_piece(struct walk *walk, struct output *output, const struct member *member, const struct piece *piece,
		       struct error *error)
{
	if (piece->offset < output->end)
		return error_set(error, ERROR_INTEGRITY, "the archive is damaged: pieces of the file overlap");
	if (walk_count(walk, piece->offset + (long long)piece->length - output->end, error))
		return -1;
	return output_write(output, member, piece->bytes, piece->length, piece->offset, error);
}

static int write_content(struct walk *walk, struct output *output, const struct member *member, struct error *error)
{
	struct piece piece;
	int more;

	while ((more = reader_piece(walk->reader, &piece, error)) > 0)
		if (write_piece(walk, output, member, &piece, error))
			return -1;
	if (more < 0)
		return -1;
	return member->size > output->end ? walk_count(walk, member->size - output->end, error) : 0;
}

static int make_file(struct walk *walk, const struct member *member, struct error *error)
{
	if (member->size > walk->limits->bytes - walk->result.bytes)
		return walk_count(walk, member->size, error);
	struct output output = {.fd = walk_make(walk, member, error)};
	struct error later;
	if (output.fd < 0)
		return -1;
	int failed = write_content(walk, &output, member, error);
	return output_end(&output, member, failed ? 0 : member->size, failed ? &later : error) || failed ? -1 : 0;
}

static int make_all(struct walk *walk, struct error *error)
{
	struct member member;
	int more;

	while ((more = walk_next(walk, &member, error)) > 0) {
		int failed = member.type == MEMBER_FILE ? make_file(walk, &member, error) : walk_make(walk, &member, error);
		if (failed)
			return member_at(member.path, error);
	}
	return more;
}

int extract_archive(int fd, const char *name, int dir, const struct extract_limits *limits, struct extract_result *ret,
		    struct error *error)
{
	AUTO_WALK struct walk walk;

	if (walk_begin(&walk, fd, name, dir, limits, error))
		return -1;
	mode_t mask = umask(0); /* modes are those of the archive, not of whoever started dewy */
	int result = reader_zip(walk.reader) ? crew_extract(&walk, error) : make_all(&walk, error);
	if (result == 0)
		result = tree_finish(&walk.tree, error);
	umask(mask);
	*ret = walk.result;
	return result;
}

/* Reads a file whose size the archive does not tell. Returns 0 with the size, or -1. */
static int measure(struct walk *walk, long long *ret_size, struct error *error)
{
	struct piece piece;
	int more;

	*ret_size = 0;
	while ((more = reader_piece(walk->reader, &piece, error)) > 0) {
		if (walk_count(walk, (long long)piece.length, error))
			return -1;
		*ret_size = piece.offset + (long long)piece.length;
	}
	return more;
}

/* Returns 1 when the member is there, 0 when it is not, or -1. */
static int compare_member(struct walk *walk, const struct member *member, struct error *error)
{
	static const mode_t types[] = {
		[MEMBER_FILE] = S_IFREG, [MEMBER_DIRECTORY] = S_IFDIR, [MEMBER_SYMLINK] = S_IFLNK, [MEMBER_HARDLINK] = S_IFREG};
	long long size = member->size;
	struct stat status;

	int missing = tree_stat(&walk->tree, member->path, &status, error);
	if (missing)
		return missing < 0 ? -1 : 0;
	if ((status.st_mode & S_IFMT) != types[member->type])
		return 0;
	if (member->type != MEMBER_FILE)
		return 1;
	if (size < 0 && measure(walk, &size, error))
		return -1;
	return status.st_size == size;
}

int extract_compare(int fd, const char *name, int dir, const struct extract_limits *limits, struct error *error)
{
	AUTO_WALK struct walk walk;
	struct member member;
	int more;

	if (walk_begin(&walk, fd, name, dir, limits, error))
		return -1;
	while ((more = walk_next(&walk, &member, error)) > 0) {
		int same = compare_member(&walk, &member, error);
		if (same < 0)
			return member_at(member.path, error);
		if (same == 0)
			return 0;
	}
	return more < 0 ? -1 : 1;
}
