/* SPDX-License-Identifier: MIT */
#include "serve/daemon.h"

#include "cleanup.h"
#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Reads the exit status that the daemon names; one that says nothing was killed, and counts as failed. */
static int await_release(int fd, pid_t child)
{
	unsigned char status = (unsigned char)error_status(ERROR_APPLICATION);

	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	while (read(fd, &status, 1) < 0 && errno == EINTR)
		;
	return status;
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
			_exit(child < 0);
		*ret_release = ends[1];
		return 0;
	}
	int number = errno;
	close(ends[1]);
	if (child < 0)
		return error_errno(error, number, "cannot start a process");
	*ret_status = await_release(read_end, child);
	return 1;
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
