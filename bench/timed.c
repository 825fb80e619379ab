/* SPDX-License-Identifier: MIT */
/* timed COUNT FILE COMMAND [ARGUMENT]...
 *
 * Runs COMMAND so often, one after the other, and writes one line to FILE: when it began, on the monotonic clock, how long all runs
 * took, and the processor time of them and of the children that they waited for, in nanoseconds; the largest resident set of any
 * one process, in KiB. It ends at once with the status of the first run that fails.
 *
 * It is small because a process that was just made counts the memory of the one that made it, which would be Python's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NOT_RUN = 127, BY_SIGNAL = 128 };

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long nanoseconds(struct timeval time)
{
	return (time.tv_sec * 1000000LL + time.tv_usec) * 1000;
}

/* Returns the exit status of a run. */
static int run(char *const command[])
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		execvp(*command, command);
		fprintf(stderr, "timed: %s: %s\n", *command, strerror(errno));
		_exit(NOT_RUN);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("timed");
		return NOT_RUN;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : BY_SIGNAL + WTERMSIG(status);
}

int main(int argc, char *argv[])
{
	struct rusage usage;
	int status = 0;

	if (argc < 4) {
		fprintf(stderr, "Usage: timed COUNT FILE COMMAND [ARGUMENT]...\n");
		return NOT_RUN;
	}
	long long begin = now();
	for (long left = strtol(argv[1], NULL, 10); left > 0 && status == 0; left--)
		status = run(argv + 3);
	long long wall = now() - begin;
	getrusage(RUSAGE_CHILDREN, &usage);
	FILE *file = fopen(argv[2], "w");
	if (!file) {
		perror(argv[2]);
		return NOT_RUN;
	}
	fprintf(file, "%lld %lld %lld %ld\n", begin, wall, nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime),
		usage.ru_maxrss);
	return fclose(file) ? NOT_RUN : status;
}
