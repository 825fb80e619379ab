/* SPDX-License-Identifier: MIT */
#include "deploy/tree.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum {
	ABOVE_MODE = 0755, /* of directories that are in the archive only as a part of names */
	OWNER_MODE = 0700,
	LATE_LIMIT = 32 << 20, /* bytes of memory for what is left to tree_finish */
};

/* What precedes each path in tree.late. */
struct late {
	mode_t mode;
	struct timespec mtime;
};

void tree_open(struct tree *tree, int root)
{
	tree->root = root;
	tree->depth = 0;
	tree->implied = 0;
	tree->late = (struct buf){0};
}

/* Closes the directories below the first depth ones. */
static void ascend(struct tree *tree, size_t depth)
{
	while (tree->depth > depth)
		close(tree->levels[--tree->depth].fd);
}

void tree_close(struct tree *tree)
{
	ascend(tree, 0);
	buf_free(&tree->late);
}

static int current(const struct tree *tree)
{
	return tree->depth ? tree->levels[tree->depth - 1].fd : tree->root;
}

static size_t current_end(const struct tree *tree)
{
	return tree->depth ? tree->levels[tree->depth - 1].end : 0;
}

/* Closes what is not above path, whose parent ends at end. */
static void ascend_to(struct tree *tree, const char *path, size_t end)
{
	size_t depth = 0;

	for (; depth < tree->depth; depth++) {
		const struct level *level = &tree->levels[depth];
		size_t begin = depth ? level[-1].end : 0;
		if (level->end > end || memcmp(path + begin, tree->here + begin, level->end - begin) != 0 ||
		    (path[level->end] != '/'))
			break;
	}
	ascend(tree, depth);
}

static int open_part(int dir, const char *name)
{
	return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int make_part(struct tree *tree, const char *name)
{
	if (mkdirat(current(tree), name, ABOVE_MODE))
		return -1;
	tree->implied++;
	return open_part(current(tree), name);
}

/* Opens the directory that path is in, and points *ret_name at the last part. Returns the descriptor, which stays the tree's
 * and open until the next call; or -1 with errno. */
static int descend(struct tree *tree, const char *path, bool make, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	size_t end = slash ? (size_t)(slash - path) : 0;

	ascend_to(tree, path, end);
	for (size_t at = current_end(tree); at < end;) {
		size_t begin = at ? at + 1 : 0, length = strcspn(path + begin, "/");
		memcpy(tree->here + at, path + at, begin + length - at);
		tree->here[begin + length] = '\0';
		int fd = open_part(current(tree), tree->here + begin);
		if (fd < 0 && errno == ENOENT && make)
			fd = make_part(tree, tree->here + begin);
		if (fd < 0)
			return -1;
		at = begin + length;
		tree->levels[tree->depth++] = (struct level){.fd = fd, .end = at};
	}
	*ret_name = slash ? slash + 1 : path;
	return current(tree);
}

/* Turns errno of a call that was to create something into the error. */
static int refused(struct error *error)
{
	int number = errno;

	if (number == EEXIST)
		return error_set(error, ERROR_INTEGRITY, "it is in the archive twice");
	if (number == ENOTDIR || number == ELOOP)
		return error_set(error, ERROR_INTEGRITY, "a directory above it is no directory in the archive");
	return error_errno(error, number, "cannot create it");
}

static bool is_directory(int dir, const char *name)
{
	struct stat status;

	return fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

int tree_make_directory(struct tree *tree, const char *path, mode_t mode, struct timespec mtime, struct error *error)
{
	struct late late = {.mode = mode | OWNER_MODE, .mtime = mtime};
	const char *name;
	int dir = descend(tree, path, true, &name);

	if (dir < 0)
		return refused(error);
	if (mkdirat(dir, name, OWNER_MODE) && (errno != EEXIST || !is_directory(dir, name)))
		return refused(error);
	if (tree->late.length > LATE_LIMIT)
		return error_set(error, ERROR_INTEGRITY, "the archive has too many directories");
	buf_add(&tree->late, &late, sizeof late);
	buf_add(&tree->late, path, strlen(path) + 1);
	return 0;
}

int tree_create_file(struct tree *tree, const char *path, mode_t mode, struct error *error)
{
	const char *name;
	int dir = descend(tree, path, true, &name);
	int fd = dir < 0 ? -1 : openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	return fd < 0 ? refused(error) : fd;
}

int tree_make_symlink(struct tree *tree, const char *path, const char *target, struct timespec mtime, struct error *error)
{
	const char *name;
	int dir = descend(tree, path, true, &name);

	if (dir < 0 || symlinkat(target, dir, name))
		return refused(error);
	utimensat(dir, name, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, mtime}, AT_SYMLINK_NOFOLLOW);
	return 0;
}

int tree_make_hardlink(struct tree *tree, const char *path, const char *target, struct error *error)
{
	const char *name, *target_name;
	struct stat status;
	int from = descend(tree, target, false, &target_name);

	/* A second name for a symbolic link would make it lead elsewhere. */
	if (from < 0 || fstatat(from, target_name, &status, AT_SYMLINK_NOFOLLOW) || !S_ISREG(status.st_mode))
		return error_set(error, ERROR_INTEGRITY, "the hard link does not lead to a file before it in the archive");
	AUTO_CLOSE int kept = fcntl(from, F_DUPFD_CLOEXEC, 0);
	int dir = kept < 0 ? -1 : descend(tree, path, true, &name);
	return dir < 0 || linkat(kept, target_name, dir, name, 0) ? refused(error) : 0;
}

static int finish_directory(struct tree *tree, const char *path, const struct late *late)
{
	const char *name;
	int dir = descend(tree, path, false, &name);
	AUTO_CLOSE int fd = dir < 0 ? -1 : open_part(dir, name);

	if (fd < 0 || fchmod(fd, late->mode))
		return -1;
	futimens(fd, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, late->mtime});
	return 0;
}

int tree_finish(struct tree *tree, struct error *error)
{
	struct late late;

	for (size_t at = 0; at < tree->late.length;) {
		const char *path = tree->late.data + at + sizeof late;
		memcpy(&late, tree->late.data + at, sizeof late);
		if (finish_directory(tree, path, &late))
			return error_errno(error, errno, "cannot set the mode of a directory");
		at += sizeof late + strlen(path) + 1;
	}
	return 0;
}

int tree_stat(struct tree *tree, const char *path, struct stat *ret_status, struct error *error)
{
	const char *name;
	int dir = descend(tree, path, false, &name);

	if (dir >= 0 && fstatat(dir, name, ret_status, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
		return 1;
	return error_errno(error, errno, "cannot look at it");
}
