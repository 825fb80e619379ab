/* SPDX-License-Identifier: MIT */
/* A member of an archive, and what all forms of archives have in common when it is judged. */
#ifndef DEWY_MEMBER_H
#define DEWY_MEMBER_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct buf;
struct error;

enum member_type { MEMBER_FILE, MEMBER_DIRECTORY, MEMBER_SYMLINK, MEMBER_HARDLINK };

struct member {
	enum member_type type;
	const char *path;      /* as path_clean made it; it and target live until the next member */
	const char *target;    /* of a symbolic link: as it is; of a hard link: the path of another member */
	mode_t mode;           /* permission bits only */
	bool invented;         /* the archive had no mode: what can be executed should be */
	struct timespec mtime; /* UTIME_OMIT in tv_nsec when the archive has none */
	long long size;        /* bytes of a file, -1 when that is not known before they are read */
};

/* Sets the type by the bits that S_IFMT covers. Returns NULL, or, as the rest of a sentence, why it is refused. */
const char *member_judge_type(struct member *member, mode_t type);

/* Sets the path to that of name, which is kept in path. Returns NULL, or why it is refused. */
const char *member_judge_name(struct member *member, struct buf *path, const char *name);

/* Returns NULL, or why a member of that type cannot have that path. */
const char *member_judge_place(const struct member *member);

/* Says with ERROR_INTEGRITY why the member of that name is refused. Returns -1. */
int member_refuse(const char *name, const char *reason, struct error *error);

/* Puts the path of a member before the error. Returns -1. */
int member_at(const char *path, struct error *error);

#endif
