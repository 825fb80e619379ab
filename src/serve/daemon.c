/* SPDX-License-Identifier: MIT */
#include "serve/daemon.h"

#include "cleanup.h"
#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Reads the exit status that the daemon names. Returns 1, or -1 when there is none, or it was killed and says nothing. */
static int await_release(int fd, pid_t child, int *ret_status, struct error *error)
{
	unsigned char status;
	ssize_t length;
	int ended = 0;

	while (waitpid(child, &ended, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(ended) && WEXITSTATUS(ended))
		return error_errno(error, WEXITSTATUS(ended), "cannot start a process");
	while ((length = read(fd, &status, 1)) < 0 && errno == EINTR)
		;
	if (length != 1)
		return error_set(error, ERROR_SUPERVISOR, "the process in the background was killed before it served");
	*ret_status = status;
	return 1;
}

int daemon_fork(int *ret_release, int *ret_status, struct error *error)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return error_errno(error, errno, "cannot make a pipe");
	AUTO_CLOSE int read_end = ends[0];
	pid_t child = fork();
	if (child == 0) {
		setsid();
		child = fork(); /* whoever leads no session never gets a terminal */
		if (child != 0)
			_exit(child < 0 ? errno : 0);
		*ret_release = ends[1];
		return 0;
	}
	int number = errno;
	close(ends[1]);
	if (child < 0)
		return error_errno(error, number, "cannot start a process");
	return await_release(read_end, child, ret_status, error);
}

void daemon_release(int release, int status)
{
	unsigned char byte = (unsigned char)status;
	AUTO_CLOSE int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null >= 0)
		dup2(null, STDIN_FILENO);
	ssize_t written = write(release, &byte, 1);
	(void)written; /* the caller may be gone */
	close(release);
}
