/* SPDX-License-Identifier: MIT */
#include "lock.h"

#include "cleanup.h"
#include "error.h"
#include "time.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

int lock_take(int dir, const char *name, long long wait_ms, struct error *error)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	long long deadline = time_monotonic() + wait_ms;

	if (fd < 0)
		return error_errno(error, errno, "cannot open the lock %s", name);
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_errno(error, errno, "cannot take the lock %s", name);
		if (time_monotonic() >= deadline)
			return error_set(error, ERROR_LOCKED, "another run holds the lock %s", name);
		time_sleep(20);
	}
	return steal_fd(&fd);
}

int lock_is_ours(int fd, int dir, const char *name)
{
	struct stat opened, named;

	return fd >= 0 && fstat(fd, &opened) == 0 && fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       opened.st_dev == named.st_dev && opened.st_ino == named.st_ino && flock(fd, LOCK_EX | LOCK_NB) == 0;
}
