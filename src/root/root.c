/* SPDX-License-Identifier: MIT */
#include "root/root.h"

#include "alloc.h"
#include "error.h"
#include "fs.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool others_may_write(const struct stat *status)
{
	return status->st_mode & S_IWOTH || (status->st_mode & S_IWGRP && status->st_gid != getegid());
}

bool root_trusts(const struct root *root, const struct stat *status)
{
	uid_t owner = status->st_uid;
	struct stat whole;

	return !others_may_write(status) &&
	       (owner == 0 || owner == geteuid() || (fstat(root->fd, &whole) == 0 && owner == whole.st_uid));
}

/* What one user makes, another one cannot replace, and root would run what somebody else has put there. */
static int refuse_user(const char *path, const char *name, uid_t owner, struct error *error)
{
	error_set(error, ERROR_CONFIG, "the root is used by one user: %s%s belongs to uid %u, and this is uid %u", path, name,
		  (unsigned)owner, (unsigned)geteuid());
	return error_hint(error, "run as its owner, with sudo -u '#%u', or give all of it to this one: chown -R %u %s",
			  (unsigned)owner, (unsigned)geteuid(), path);
}

/* Whoever may write to ROOT decides what runs: only its owner, root, and the group of this process may be among them. */
static int check_owner(const struct root *root, struct error *error)
{
	struct stat status;

	if (fstat(root->fd, &status))
		return error_errno(error, errno, "cannot look at the root %s", root->path);
	if (others_may_write(&status)) {
		error_set(error, ERROR_CONFIG, "others may write to the root %s", root->path);
		return error_hint(error,
				  "name the directory of the application with --root, or make this one private with chmod go-w");
	}
	if (status.st_uid != geteuid() && (status.st_uid != 0 || faccessat(root->fd, ".", W_OK, AT_EACCESS)))
		return refuse_user(root->path, "", status.st_uid, error);
	return 0;
}

/* What dewy keeps in ROOT belongs to whoever began to use it: a lock that root made would keep its owner out for ever. The
 * directory need not be there. */
static int check_own(const struct root *root, int fd, const char *name, struct error *error)
{
	struct stat status;

	if (fd < 0)
		return 0;
	if (fstat(fd, &status))
		return error_errno(error, errno, "cannot look at %s%s", root->path, name);
	if (status.st_uid != geteuid())
		return refuse_user(root->path, name, status.st_uid, error);
	if (!others_may_write(&status))
		return 0;
	error_set(error, ERROR_CONFIG, "others may write to %s%s", root->path, name);
	return error_hint(error, "make it private with chmod go-w");
}

static int open_if_there(int dir, const char *name)
{
	return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int open_directories(struct root *root, const char *path, struct error *error)
{
	const char *given = path ? path : ".";

	*root = (struct root){.fd = -1, .state = -1, .releases = -1};
	root->path = realpath(given, NULL);
	if (!root->path || (root->fd = open(root->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		error_errno(error, errno, "cannot open the root %s", given);
		return error_hint(error, "create the directory, or name another one with --root");
	}
	if (str_equal(root->path, "/")) {
		error_set(error, ERROR_CONFIG, "the root is /");
		return error_hint(error, "give the application a directory of its own with --root");
	}
	root->state = open_if_there(root->fd, ".dewy");
	root->releases = open_if_there(root->fd, "releases");
	return 0;
}

int root_open(struct root *root, const char *path, struct error *error)
{
	return open_directories(root, path, error) || check_owner(root, error) ||
			       check_own(root, root->state, "/.dewy", error) || check_own(root, root->releases, "/releases", error)
		       ? -1
		       : 0;
}

int root_look(struct root *root, const char *path, struct error *error)
{
	if (open_directories(root, path, error))
		return -1;
	if (root->state >= 0 || faccessat(root->fd, ".dewy", F_OK, AT_SYMLINK_NOFOLLOW))
		return 0;
	error_errno(error, EACCES, "cannot look into %s/.dewy", root->path);
	return error_hint(error, "run as its owner, or let others read it");
}

static int prepare_directory(int *fd, int dir, const char *name, mode_t mode, struct error *error)
{
	if (*fd >= 0)
		return 0;
	if (fs_make_directory(dir, name, mode, error))
		return -1;
	*fd = fs_open_directory(dir, name, error);
	return *fd < 0 ? -1 : 0;
}

int root_prepare(struct root *root, struct error *error)
{
	if (prepare_directory(&root->state, root->fd, ".dewy", 0755, error) ||
	    prepare_directory(&root->releases, root->fd, "releases", 0755, error) ||
	    fs_make_directory(root->state, "releases", 0755, error))
		return error_in(error, "prepare the root %s", root->path);
	return 0;
}

/* True when the path leads to the directory that was opened. */
static bool leads_to(const char *path, int fd)
{
	return fs_is_named(fd, AT_FDCWD, path, 0);
}

int root_renew(struct root *root, const char *path, struct error *error)
{
	struct root again;

	if (leads_to(path ? path : ".", root->fd) && leads_to(root->path, root->fd))
		return 0;
	if (root_open(&again, path, error)) {
		root_close(&again);
		return -1;
	}
	root_close(root);
	*root = again;
	return 0;
}

int root_check_name(const struct root *root, struct error *error)
{
	if (leads_to(root->path, root->fd))
		return 0;
	error_set(error, ERROR_FILESYSTEM, "the root %s was moved or replaced during the run", root->path);
	return error_hint(error, "run again where it is now: what was begun is completed there");
}

void root_close(struct root *root)
{
	cleanup_close(&root->fd);
	cleanup_close(&root->state);
	cleanup_close(&root->releases);
	free(root->path);
	*root = (struct root){.fd = -1, .state = -1, .releases = -1};
}

char *root_state_path(const struct root *root, const char *name)
{
	return xasprintf("%s/.dewy/%s", root->path, name);
}

/* Returns what names the cache when it is not ROOT/.dewy/cache, else NULL. */
static const char *other_cache(const char *where)
{
	if (!where)
		where = getenv("DEWY_CACHEDIR");
	if (!where || !*where)
		return NULL;
	return str_starts(where, "file://") ? where + strlen("file://") : where;
}

char *root_cache_path(const struct root *root, const char *where)
{
	const char *other = other_cache(where);

	if (!other)
		return root_state_path(root, "cache");
	return other[0] == '/' ? xstrdup(other) : xasprintf("%s/%s", root->path, other);
}

bool root_is_cache_key(const char *key)
{
	return str_is_file_name(key) && strlen(key) + strlen("..part.json") <= NAME_MAX;
}

int root_find_cache(const struct root *root, const char *where)
{
	const char *other = other_cache(where);

	return openat(other ? root->fd : root->state, other ? other : "cache", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int root_open_cache(const struct root *root, const char *where, char **ret_path, struct error *error)
{
	AUTO_FREE char *path = root_cache_path(root, where);
	const char *other = other_cache(where);

	if (mkdirat(other ? root->fd : root->state, other ? other : "cache", 0755) && errno != EEXIST)
		return error_errno(error, errno, "cannot create the cache %s", path);
	AUTO_CLOSE int fd = root_find_cache(root, where);
	struct stat status;
	if (fd < 0 || fstat(fd, &status))
		return error_errno(error, errno, "cannot open the cache %s", path);
	if (!root_trusts(root, &status)) {
		error_set(error, ERROR_CONFIG, "the cache %s belongs to another user, or others may write to it", path);
		return error_hint(error, "make it private with chown and chmod go-w, or name another one with --cache");
	}
	if (ret_path)
		*ret_path = steal_pointer(&path);
	return steal_fd(&fd);
}
