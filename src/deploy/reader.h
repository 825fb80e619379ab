/* SPDX-License-Identifier: MIT */
/* An artifact as a row of members that are safe to create: names and links were judged, and everything that is no file,
 * directory or link was refused. An artifact that is no archive is one member. */
#ifndef DEWY_READER_H
#define DEWY_READER_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct error;
struct reader;

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

/* A piece of the content of a file; what lies between two pieces is zeros. */
struct piece {
	const void *bytes; /* until the next piece or member */
	size_t length;
	long long offset;
};

/* Opens the artifact at fd, which must outlive the reader; name is the artifact's. Returns the reader, which the caller
 * gives to reader_close; or NULL with ERROR_INTEGRITY when the name promises an archive and the content is none. */
struct reader *reader_open(int fd, const char *name, struct error *error);

void reader_close(struct reader *reader);

/* Reads the next member. Returns 1; 0 when there was none left and the artifact was whole to its end; or -1, with
 * ERROR_INTEGRITY when it is damaged or the member refused: then the message begins with the name. */
int reader_next(struct reader *reader, struct member *ret_member, struct error *error);

/* Reads the next piece of the file that reader_next returned. Returns 1, 0 at its end, or -1. */
int reader_piece(struct reader *reader, struct piece *ret_piece, struct error *error);

/* Returns the bytes of the artifact. */
long long reader_size(const struct reader *reader);

#endif
