/* SPDX-License-Identifier: MIT */
#include "lock.h"

#include "alloc.h"
#include "cleanup.h"
#include "error.h"
#include "fs.h"
#include "time.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Returns the path of name below dir for a message: alone, "lock" says nothing. */
static char *full_path(int dir, const char *name)
{
	AUTO_FREE char *link = xasprintf("/proc/self/fd/%d", dir);
	char path[PATH_MAX];
	ssize_t length = name[0] == '/' ? -1 : readlink(link, path, sizeof path);

	return length > 0 ? xasprintf("%.*s/%s", (int)length, path, name) : xstrdup(name);
}

static int explain(int errnum, const char *what, int dir, const char *name, struct error *error)
{
	AUTO_FREE char *path = full_path(dir, name);

	return errnum ? error_errno(error, errnum, "%s %s", what, path) : error_set(error, ERROR_LOCKED, "%s %s", what, path);
}

/* Tries to lock the file, or with part >= 0 the byte of that number. Returns 0; 1 while somebody else has it; or -1 with errno. */
static int try(int fd, long part)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = part, .l_len = 1};

	if ((part < 0 ? flock(fd, LOCK_EX | LOCK_NB) : fcntl(fd, F_SETLK, &lock)) == 0)
		return 0;
	return errno == EWOULDBLOCK || errno == EACCES || errno == EINTR ? 1 : -1;
}

static int refuse(int errnum, int dir, const char *name, struct error *error)
{
	explain(errnum, "cannot take the lock", dir, name, error);
	if (errnum == ENOLCK || errnum == EOPNOTSUPP || errnum == ENOSYS)
		error_hint(error, "its file system has no flock(2): use a local one, or mount NFS so that it has locks");
	return -1;
}

static int wait_for(int fd, long part, int dir, const char *name, long long deadline, struct error *error)
{
	int result;

	while ((result = try(fd, part))) {
		if (result < 0)
			return refuse(errno, dir, name, error);
		if (time_monotonic() >= deadline)
			return explain(0, "another run holds the lock", dir, name, error);
		time_sleep(20);
	}
	return 0;
}

static int take(int dir, const char *name, long part, long long wait_ms, struct error *error)
{
	long long deadline = time_monotonic() + wait_ms;
	struct stat status;

	for (int tries = 0; tries < LOCK_TRIES; tries++) {
		AUTO_CLOSE int fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0)
			return explain(errno, "cannot open the lock", dir, name, error);
		if (fstat(fd, &status) == 0 && status.st_mode & (S_IRWXG | S_IRWXO))
			fchmod(fd, 0600);
		if (wait_for(fd, part, dir, name, deadline, error))
			return -1;
		if (fs_is_named(fd, dir, name, AT_SYMLINK_NOFOLLOW))
			return steal_fd(&fd);
		/* else somebody removed it meanwhile, and others lock another file by now */
	}
	return explain(ESTALE, "cannot take the lock", dir, name, error);
}

int lock_take(int dir, const char *name, long long wait_ms, struct error *error)
{
	return take(dir, name, -1, wait_ms, error);
}

int lock_take_part(int dir, const char *name, unsigned part, long long wait_ms, struct error *error)
{
	return take(dir, name, (long)part, wait_ms, error);
}

int lock_open(int fd, int dir, const char *name, long long wait_ms, struct error *error)
{
	return wait_for(fd, -1, dir, name, time_monotonic() + wait_ms, error);
}

int lock_is_ours(int fd, int dir, const char *name)
{
	return fd >= 0 && fs_is_named(fd, dir, name, AT_SYMLINK_NOFOLLOW) && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* True when the process has the file open: where the device of a file system is not that of its files, as with Btrfs. */
static bool has_open(pid_t pid, const struct stat *file)
{
	AUTO_FREE char *path = xasprintf("/proc/%d/fd", (int)pid);
	AUTO_CLOSEDIR DIR *directory = opendir(path);
	const struct dirent *entry;
	struct stat status;

	while (directory && (entry = readdir(directory)))
		if (fstatat(dirfd(directory), entry->d_name, &status, 0) == 0 && status.st_dev == file->st_dev &&
		    status.st_ino == file->st_ino)
			return true;
	return false;
}

int lock_holder(int dir, const char *name, pid_t *ret_pid)
{
	FILE *locks = fopen("/proc/locks", "re");
	struct stat file;
	char line[256];
	unsigned high, low;
	unsigned long long inode;
	int held = locks ? 0 : -1;

	if (fstatat(dir, name, &file, AT_SYMLINK_NOFOLLOW))
		file.st_ino = 0;
	while (locks && !held && fgets(line, sizeof line, locks))
		if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%llu", ret_pid, &high, &low, &inode) == 4 && inode == file.st_ino)
			held = (high == major(file.st_dev) && low == minor(file.st_dev)) || has_open(*ret_pid, &file);
	if (locks)
		fclose(locks);
	return held;
}
