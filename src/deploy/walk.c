/* SPDX-License-Identifier: MIT */
#include "deploy/walk.h"

#include "deploy/output.h"
#include "deploy/reader.h"

#include "buf.h"
#include "error.h"
#include "str.h"

enum { RATIO_BEGINS = 64 << 20 /* bytes below which the ratio is not looked at */ };

int walk_begin(struct walk *walk, int fd, const char *name, int dir, const struct extract_limits *limits, struct error *error)
{
	*walk = (struct walk){.limits = limits};
	tree_open(&walk->tree, dir);
	walk->reader = reader_open(fd, name, error);
	return walk->reader ? 0 : -1;
}

void walk_end(struct walk *walk)
{
	reader_close(walk->reader);
	tree_close(&walk->tree);
}

int walk_count(struct walk *walk, long long more, struct error *error)
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

/* Returns 0, or -1 when there are too many, with the directories that only the names of others told of. */
static int check_entries(const struct walk *walk, struct error *error)
{
	if (walk->result.entries + walk->tree.implied <= walk->limits->entries)
		return 0;
	error_set(error, ERROR_INTEGRITY, "the archive has more than %lld entries", walk->limits->entries);
	return error_hint(error, "raise --max-entries if it is meant to have that many");
}

int walk_next(struct walk *walk, struct member *member, struct error *error)
{
	for (;;) {
		int more = reader_next(walk->reader, member, error);
		if (more < 0)
			return -1;
		if (more == 0 && !walk->found)
			return error_set(error, ERROR_INTEGRITY, "the archive is empty");
		walk->result.entries += more;
		if (check_entries(walk, error))
			return -1;
		if (more == 0)
			return 0;
		if (*member->path) {
			walk->found = true;
			return 1;
		}
	}
}

int walk_make(struct walk *walk, const struct member *member, struct error *error)
{
	switch (member->type) {
	case MEMBER_FILE:
		return tree_create_file(&walk->tree, member->path, member->mode | OUTPUT_MODE, error);
	case MEMBER_DIRECTORY:
		return tree_make_directory(&walk->tree, member->path, member->mode, member->mtime, error);
	case MEMBER_SYMLINK:
		return tree_make_symlink(&walk->tree, member->path, member->target, member->mtime, error);
	case MEMBER_HARDLINK:
		return tree_make_hardlink(&walk->tree, member->path, member->target, error);
	}
	return 0;
}
