/* SPDX-License-Identifier: MIT */
/* A directory that is filled by descriptors: each part of a path is opened from the one above it, never through a symbolic
 * link, and the directories of the path used last stay open. Nothing that is there is ever replaced. Paths are those of
 * path_clean. Functions that fail return -1 with ERROR_INTEGRITY when what is in the tree does not allow it, else with
 * ERROR_FILESYSTEM or ERROR_SPACE. */
#ifndef DEWY_TREE_H
#define DEWY_TREE_H

#include "buf.h"
#include "path.h"

#include <sys/stat.h>
#include <time.h>

struct error;

struct tree {
	struct level {
		int fd;
		size_t end; /* of its path in here */
	} levels[PATH_DEPTH];
	size_t depth;          /* how many levels are open */
	char here[PATH_BYTES]; /* path of the last one */
	int root;
	long long implied; /* directories that were made since they are above something else */
	struct buf late; /* directories, to be finished by tree_finish */
};

#define AUTO_TREE AUTO(tree_close)

/* Begins with the directory root, which stays the caller's. */
void tree_open(struct tree *tree, int root);

void tree_close(struct tree *tree);

/* Creates a directory, which may be there already. Its mode and modification time are set by tree_finish; until then it is
 * its owner's only, when it was made here. Directories above are made with mode 0755. Returns 0 or -1. */
int tree_make_directory(struct tree *tree, const char *path, mode_t mode, struct timespec mtime, struct error *error);

/* Creates a file. Returns a descriptor open for writing, or -1. */
int tree_create_file(struct tree *tree, const char *path, mode_t mode, struct error *error);

/* Creates a symbolic link. Returns 0 or -1. */
int tree_make_symlink(struct tree *tree, const char *path, const char *target, struct timespec mtime, struct error *error);

/* Creates a hard link to target, a regular file in the tree. Returns 0 or -1. */
int tree_make_hardlink(struct tree *tree, const char *path, const char *target, struct error *error);

/* Sets the modes and times of the directories that were made. Returns 0 or -1. */
int tree_finish(struct tree *tree, struct error *error);

/* Reads what is at path without following a symbolic link anywhere. Returns 0; 1 when there is nothing; or -1. */
int tree_stat(struct tree *tree, const char *path, struct stat *ret_status, struct error *error);

#endif
