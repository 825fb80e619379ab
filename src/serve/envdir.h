/* SPDX-License-Identifier: MIT */
/* A directory of environment variables, one file each, as envdir(8) of daemontools and Server::Starter read it: the name of
 * the file is the variable, its first line the value. Empty files and those that begin with a dot set nothing. */
#ifndef DEWY_SERVE_ENVDIR_H
#define DEWY_SERVE_ENVDIR_H

#include "cleanup.h"

#include <stddef.h>

struct error;
struct handover;

struct envdir {
	struct envdir_variable {
		char *name, *value;
	} *variables;
	size_t count;
};

#define AUTO_ENVDIR AUTO(envdir_free)

/* Reads the directory; path may be NULL for none. Returns 0, or -1 with ERROR_FILESYSTEM; the caller gives ret to
 * envdir_free in both cases. */
int envdir_read(struct envdir *ret, const char *path, struct error *error);

void envdir_free(struct envdir *envdir);

/* Returns the value, which belongs to envdir, or NULL. */
const char *envdir_get(const struct envdir *envdir, const char *name);

/* Puts all variables into the environment of this process. */
void envdir_apply(const struct envdir *envdir);

/* Puts all variables down, or sets them; see handover.h. */
void envdir_hand_over(struct envdir *envdir, const struct handover *handover);

#endif
