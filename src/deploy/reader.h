/* SPDX-License-Identifier: MIT */
/* An artifact as a row of members that are safe to create: names and links were judged, and everything that is no file,
 * directory or link was refused. An artifact that is no archive is one member. */
#ifndef DEWY_READER_H
#define DEWY_READER_H

#include "deploy/member.h"

#include <stddef.h>

struct error;
struct reader;
struct zip_reader;

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

/* Reads the next piece of the file that reader_next returned, of anything but a zip. Returns 1, 0 at its end, or -1. */
int reader_piece(struct reader *reader, struct piece *ret_piece, struct error *error);

/* Returns the zip that the artifact is, for the data of its members: zip_content.h; NULL when it is none. */
const struct zip_reader *reader_zip(const struct reader *reader);

/* Returns the bytes of the artifact. */
long long reader_size(const struct reader *reader);

#endif
