/* SPDX-License-Identifier: MIT */
/* A file that an archive is extracted into. Functions that fail return -1 with ERROR_FILESYSTEM or ERROR_SPACE. */
#ifndef DEWY_OUTPUT_H
#define DEWY_OUTPUT_H

#include "deploy/member.h"

#include <stddef.h>

struct error;

struct output {
	int fd;
	long long end;     /* of what the file has so far, with holes */
	long long written; /* where its data ends */
};

/* Permissions that every file has for its owner. */
enum { OUTPUT_MODE = 0600 };

/* Writes length bytes at offset, which is not before the end; what lies between is a hole. Of a file whose mode is not known, the
 * first bytes tell whether it is a program. */
int output_write(struct output *output, const struct member *member, const void *bytes, size_t length, long long offset,
		 struct error *error);

/* Makes the file size bytes large, when it is smaller, sets its modification time, and closes it, which is done on failure, too. */
int output_end(struct output *output, const struct member *member, long long size, struct error *error);

#endif
