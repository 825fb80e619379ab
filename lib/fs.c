/* SPDX-License-Identifier: MIT */
#include "fs.h"

#include "alloc.h"
#include "buf.h"
#include "cleanup.h"
#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

int fs_make_directory(int dir, const char *name, mode_t mode, struct error *error)
{
	if (mkdirat(dir, name, mode) == 0)
		return dir == AT_FDCWD ? 0 : fs_sync_directory(dir, error);
	return errno == EEXIST ? 0 : error_errno(error, errno, "cannot create the directory %s", name);
}

int fs_open_directory(int dir, const char *name, struct error *error)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 ? fd : error_errno(error, errno, "cannot open the directory %s", name);
}

void fs_hold_standard(void)
{
	struct pollfd polled[] = {{.fd = STDIN_FILENO}, {.fd = STDOUT_FILENO}, {.fd = STDERR_FILENO}};

	if (poll(polled, 3, 0) <= 0)
		return;
	for (int fd = 0; fd < 3; fd++)
		if (polled[fd].revents & POLLNVAL)
			(void)!open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY); /* the lowest number is this one */
}

int fs_write_all(int fd, const void *bytes, size_t length)
{
	for (const char *at = bytes; length;) {
		ssize_t written = write(fd, at, length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		at += written;
		length -= (size_t)written;
	}
	return 0;
}

int fs_sync_directory(int dir, struct error *error)
{
	return fsync(dir) == 0 || errno == EINVAL ? 0 : error_errno(error, errno, "cannot sync the directory");
}

static int write_durably(int fd, const void *bytes, size_t length)
{
	return fs_write_all(fd, bytes, length) || fsync(fd) ? -1 : 0;
}

/* Replaces the file name below dir by what fill writes. */
static int replace(int dir, const char *name, mode_t mode, int (*fill)(int fd, const void *bytes, size_t length), const void *bytes,
		   size_t length, struct error *error)
{
	AUTO_FREE char *beside = xasprintf(".%s.new", name);

	unlinkat(dir, beside, 0); /* left by a run that was killed */
	AUTO_CLOSE int fd = openat(dir, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return error_errno(error, errno, "cannot create %s", name);
	if (fill(fd, bytes, length) == 0 && renameat(dir, beside, dir, name) == 0)
		return 0;
	error_errno(error, errno, "cannot write %s", name);
	unlinkat(dir, beside, 0);
	return -1;
}

int fs_write_file(int dir, const char *name, mode_t mode, const void *bytes, size_t length, struct error *error)
{
	return replace(dir, name, mode, write_durably, bytes, length, error) ? -1 : fs_sync_directory(dir, error);
}

int fs_write_passing(int dir, const char *name, mode_t mode, const void *bytes, size_t length, struct error *error)
{
	return replace(dir, name, mode, fs_write_all, bytes, length, error);
}

int fs_read_file(int dir, const char *name, size_t limit, struct buf *content, struct error *error)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 1 : error_errno(error, errno, "cannot open %s", name);
	int result = buf_read(content, fd, limit);
	if (result > 0)
		return error_set(error, ERROR_FILESYSTEM, "%s is larger than %zu bytes", name, limit);
	return result == 0 ? 0 : error_errno(error, errno, "cannot read %s", name);
}

int fs_replace_link(int dir, const char *name, const char *target, struct error *error)
{
	AUTO_FREE char *beside = xasprintf(".%s.new", name);
	struct stat there;

	if (fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISLNK(there.st_mode)) {
		error_set(error, ERROR_FILESYSTEM, "%s is there and is no symbolic link", name);
		return error_hint(error, "move %s away: dewy keeps a link of that name", name);
	}
	unlinkat(dir, beside, 0);
	if (symlinkat(target, dir, beside) || renameat(dir, beside, dir, name)) {
		error_errno(error, errno, "cannot switch %s to %s", name, target);
		unlinkat(dir, beside, 0);
		return -1;
	}
	return fs_sync_directory(dir, error);
}

int fs_read_link(int dir, const char *name, char *target, size_t size, struct error *error)
{
	ssize_t length = readlinkat(dir, name, target, size);

	if (length < 0)
		return errno == ENOENT ? 1 : error_errno(error, errno, "cannot read the link %s", name);
	if ((size_t)length >= size)
		return error_set(error, ERROR_FILESYSTEM, "the link %s leads to a name that is too long", name);
	target[length] = '\0';
	return 0;
}

struct removal {
	int dir;
	struct error *error;
};

static int remove_entry(const char *name, void *context)
{
	struct removal *removal = context;

	return fs_remove(removal->dir, name, removal->error);
}

static int remove_directory(int dir, const char *name, struct error *error)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == EACCES && fchmodat(dir, name, 0700, 0) == 0)
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) /* it may be gone: others remove, too */
		return errno == ENOENT ? 0 : error_errno(error, errno, "cannot remove %s", name);
	struct stat status;
	if (fstat(fd, &status) == 0 && (status.st_mode & S_IRWXU) != S_IRWXU)
		fchmod(fd, S_IRWXU);
	struct removal removal = {.dir = fd, .error = error};
	if (fs_each(fd, remove_entry, &removal, error))
		return error_in(error, "%s", name);
	return unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : error_errno(error, errno, "cannot remove %s", name);
}

int fs_remove(int dir, const char *name, struct error *error)
{
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR || errno == EPERM)
		return remove_directory(dir, name, error);
	return error_errno(error, errno, "cannot remove %s", name);
}

int fs_each(int dir, int (*visit)(const char *name, void *context), void *context, struct error *error)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *stream = copy >= 0 ? fdopendir(copy) : NULL;
	int result = 0;

	if (!stream)
		return error_errno(error, errno, "cannot list the directory");
	while (result == 0) {
		errno = 0;
		const struct dirent *entry = readdir(stream);
		if (!entry)
			return errno ? error_errno(error, errno, "cannot list the directory") : 0;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = visit(entry->d_name, context);
	}
	return result;
}

/* Returns the name of the working directory, which the caller frees, or NULL. */
static char *working_directory(void)
{
	const char *shell = getenv("PWD");
	struct stat named, here;

	if (shell && shell[0] == '/' && stat(shell, &named) == 0 && stat(".", &here) == 0 && named.st_dev == here.st_dev &&
	    named.st_ino == here.st_ino)
		return xstrdup(shell);
	return getcwd(NULL, 0);
}

char *fs_absolute_path(const char *path)
{
	if (path[0] == '/')
		return xstrdup(path);
	AUTO_FREE char *directory = working_directory();
	if (!directory)
		return NULL;
	return strcmp(path, ".") == 0 ? steal_pointer(&directory) : xasprintf("%s/%s", directory, path);
}

bool fs_is_named(int fd, int dir, const char *name, int flags)
{
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && fstatat(dir, name, &named, flags) == 0 && opened.st_dev == named.st_dev &&
	       opened.st_ino == named.st_ino;
}

long long fs_free_space(int fd)
{
	struct statvfs space;

	if (fstatvfs(fd, &space))
		return 0;
	return (long long)space.f_bavail * (long long)space.f_frsize;
}

int fs_scratch(const void *bytes, size_t length, struct error *error)
{
	AUTO_CLOSE int fd = memfd_create("document", MFD_CLOEXEC);

	if (fd < 0)
		fd = open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600); /* a kernel without memfd */
	if (fd < 0 || fs_write_all(fd, bytes, length) || lseek(fd, 0, SEEK_SET))
		return error_errno(error, errno, "cannot make an anonymous file");
	return steal_fd(&fd);
}
