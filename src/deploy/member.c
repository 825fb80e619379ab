/* SPDX-License-Identifier: MIT */
#include "deploy/member.h"

#include "buf.h"
#include "error.h"
#include "path.h"

#include <sys/stat.h>

const char *member_judge_type(struct member *member, mode_t type)
{
	switch (type & S_IFMT) {
	case S_IFREG:
		member->type = MEMBER_FILE;
		return NULL;
	case S_IFDIR:
		member->type = MEMBER_DIRECTORY;
		return NULL;
	case S_IFLNK:
		member->type = MEMBER_SYMLINK;
		return NULL;
	case S_IFCHR:
	case S_IFBLK:
		return "device nodes are not extracted";
	case S_IFIFO:
		return "named pipes are not extracted";
	case S_IFSOCK:
		return "sockets are not extracted";
	default:
		return "its type is unknown";
	}
}

const char *member_judge_name(struct member *member, struct buf *path, const char *name)
{
	buf_clear(path);
	const char *reason = path_clean(path, name);
	member->path = buf_text(path);
	return reason;
}

const char *member_judge_place(const struct member *member)
{
	if (!*member->path && member->type != MEMBER_DIRECTORY)
		return "it would replace the directory of the release";
	return NULL;
}

int member_refuse(const char *name, const char *reason, struct error *error)
{
	AUTO_FREE char *label = path_label(name);

	return error_set(error, ERROR_INTEGRITY, "%s: %s", label, reason);
}

int member_at(const char *path, struct error *error)
{
	AUTO_FREE char *label = path_label(path);

	return error_in(error, "%s", label);
}
