/* SPDX-License-Identifier: MIT */
#include "deploy/extract.h"

#include "alloc.h"
#include "deploy/form.h"
#include "deploy/reader.h"
#include "deploy/tree.h"
#include "error.h"
#include "fs.h"
#include "str.h"

#include <errno.h>
#include <unistd.h>

enum {
	RATIO_BEGINS = 64 << 20, /* bytes below which the ratio is not looked at */
	OWNER_MODE = 0600,
};

/* Two archives of the same content differ in their order only; this walks one of them beside a tree. */
struct walk {
	struct reader *reader;
	struct tree tree;
	const struct extract_limits *limits;
	struct extract_result result;
	bool found; /* something that is not the root itself */
};

static void walk_end(struct walk *walk)
{
	reader_close(walk->reader);
	tree_close(&walk->tree);
}

#define AUTO_WALK AUTO(walk_end)

static int walk_begin(struct walk *walk, int fd, const char *name, int dir, const struct extract_limits *limits,
		      struct error *error)
{
	*walk = (struct walk){.limits = limits};
	tree_open(&walk->tree, dir);
	walk->reader = reader_open(fd, name, error);
	return walk->reader ? 0 : -1;
}

/* Counts bytes before they are written. */
static int count_bytes(struct walk *walk, long long more, struct error *error)
{
	AUTO_BUF struct buf limit = {0};

	if (more > walk->limits->bytes - walk->result.bytes) {
		str_add_size(&limit, walk->limits->bytes);
		error_set(error, ERROR_INTEGRITY, "the archive extracts to more than %s", buf_text(&limit));
		return error_hint(error, "raise --max-extracted if it is meant to be that large");
	}
	walk->result.bytes += more;
	if (walk->result.bytes <= RATIO_BEGINS || (walk->result.bytes - 1) / walk->limits->ratio < reader_size(walk->reader))
		return 0;
	error_set(error, ERROR_INTEGRITY, "the archive extracts to more than %lld times its own size", walk->limits->ratio);
	return error_hint(error, "raise --max-ratio if it is meant to be that small");
}

/* Steps to the next member below the root of the tree. Returns 1, 0 at the end, or -1. */
static int walk_next(struct walk *walk, struct member *member, struct error *error)
{
	for (;;) {
		int more = reader_next(walk->reader, member, error);
		if (more < 0)
			return -1;
		if (more == 0 && !walk->found)
			return error_set(error, ERROR_INTEGRITY, "the archive is empty");
		if (more == 0)
			return 0;
		if (++walk->result.entries > walk->limits->entries) {
			error_set(error, ERROR_INTEGRITY, "the archive has more than %lld entries", walk->limits->entries);
			return error_hint(error, "raise --max-entries if it is meant to have that many");
		}
		if (*member->path) {
			walk->found = true;
			return 1;
		}
	}
}

struct output {
	int fd;
	long long end;     /* of what the file has so far, with holes */
	long long written; /* where its data ends */
};

static int write_piece(struct walk *walk, struct output *output, const struct piece *piece, struct error *error)
{
	if (piece->offset < output->end)
		return error_set(error, ERROR_INTEGRITY, "the archive is damaged: pieces of the file overlap");
	long long end = piece->offset + (long long)piece->length;
	if (count_bytes(walk, end - output->end, error))
		return -1;
	output->end = end;
	if (piece->length == 0)
		return 0;
	if (piece->offset > output->written && lseek(output->fd, piece->offset, SEEK_SET) < 0)
		return error_errno(error, errno, "cannot write it");
	if (fs_write_all(output->fd, piece->bytes, piece->length))
		return error_errno(error, errno, "cannot write it");
	output->written = end;
	return 0;
}

/* A zip from a system without modes does not tell which files are programs. */
static int restore_mode(const struct output *output, const struct member *member, const struct piece *piece, struct error *error)
{
	mode_t readable = member->mode & 0444;

	if (!member->invented || piece->offset || !form_is_program(piece->bytes, piece->length))
		return 0;
	int failed = fchmod(output->fd, member->mode | OWNER_MODE | readable >> 2);
	return failed ? error_errno(error, errno, "cannot set its mode") : 0;
}

static int write_content(struct walk *walk, struct output *output, const struct member *member, struct error *error)
{
	struct piece piece;
	int more;

	while ((more = reader_piece(walk->reader, &piece, error)) > 0)
		if (write_piece(walk, output, &piece, error) || restore_mode(output, member, &piece, error))
			return -1;
	if (more < 0)
		return -1;
	if (member->size > output->end) {
		if (count_bytes(walk, member->size - output->end, error))
			return -1;
		output->end = member->size;
	}
	int failed = output->end != output->written && ftruncate(output->fd, output->end);
	return failed ? error_errno(error, errno, "cannot write it") : 0;
}

static int make_file(struct walk *walk, const struct member *member, struct error *error)
{
	if (member->size > walk->limits->bytes - walk->result.bytes)
		return count_bytes(walk, member->size, error);
	AUTO_CLOSE int fd = tree_create_file(&walk->tree, member->path, member->mode | OWNER_MODE, error);
	if (fd < 0 || write_content(walk, &(struct output){.fd = fd}, member, error))
		return -1;
	futimens(fd, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, member->mtime});
	return close(steal_fd(&fd)) == 0 ? 0 : error_errno(error, errno, "cannot write it");
}

static int make_member(struct walk *walk, const struct member *member, struct error *error)
{
	switch (member->type) {
	case MEMBER_FILE:
		return make_file(walk, member, error);
	case MEMBER_DIRECTORY:
		return tree_make_directory(&walk->tree, member->path, member->mode, member->mtime, error);
	case MEMBER_SYMLINK:
		return tree_make_symlink(&walk->tree, member->path, member->target, member->mtime, error);
	case MEMBER_HARDLINK:
		return tree_make_hardlink(&walk->tree, member->path, member->target, error);
	}
	return 0;
}

/* Puts the name of the member before the error. Returns -1. */
static int at_member(const struct member *member, struct error *error)
{
	AUTO_FREE char *label = path_label(member->path);

	return error_in(error, "%s", label);
}

static int make_all(struct walk *walk, struct error *error)
{
	struct member member;
	int more;

	while ((more = walk_next(walk, &member, error)) > 0)
		if (make_member(walk, &member, error))
			return at_member(&member, error);
	return more < 0 ? -1 : tree_finish(&walk->tree, error);
}

int extract_archive(int fd, const char *name, int dir, const struct extract_limits *limits, struct extract_result *ret,
		    struct error *error)
{
	AUTO_WALK struct walk walk;

	if (walk_begin(&walk, fd, name, dir, limits, error))
		return -1;
	mode_t mask = umask(0); /* modes are those of the archive, not of whoever started dewy */
	int result = make_all(&walk, error);
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
		if (count_bytes(walk, (long long)piece.length, error))
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
			return at_member(&member, error);
		if (same == 0)
			return 0;
	}
	return more < 0 ? -1 : 1;
}
