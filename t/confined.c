/* SPDX-License-Identifier: MIT */
/* confined DIR OUTSIDE WORK: runs one kind of work as confine_run does it, and prints what came of it. */
#include "alloc.h"
#include "deploy/confine.h"
#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MEMORY = 16 << 20, TIMEOUT_MS = 300, PATIENCE_MS = 20000 };

struct job {
	int dir;
	const char *outside;
	int result;
};

static int write_inside(void *context, struct error *error)
{
	struct job *job = context;
	int fd = openat(job->dir, "file", O_WRONLY | O_CREAT | O_EXCL, 0644);

	if (fd < 0 || mkdirat(job->dir, "sub", 0755) || linkat(job->dir, "file", job->dir, "sub/link", 0))
		return error_errno(error, errno, "inside");
	job->result = 42;
	return 1;
}

static int write_outside(void *context, struct error *error)
{
	struct job *job = context;

	return open(job->outside, O_WRONLY) < 0 ? error_errno(error, errno, "outside") : 0;
}

static int create_outside(void *context, struct error *error)
{
	struct job *job = context;

	return mkdir(job->outside, 0755) ? error_errno(error, errno, "outside") : 0;
}

static int execute(void *context, struct error *error)
{
	(void)context;
	execl("/bin/true", "true", (char *)NULL);
	return error_errno(error, errno, "execute");
}

static int crash(void *context, struct error *error)
{
	(void)context;
	(void)error;
	abort();
}

static int leave(void *context, struct error *error)
{
	(void)context;
	(void)error;
	_exit(7);
}

static int hang(void *context, struct error *error)
{
	(void)context;
	(void)error;
	pause();
	return 0;
}

static int hoard(void *context, struct error *error)
{
	(void)error;
	*(char *volatile *)context = xcalloc(8, MEMORY);
	return 0;
}

static const struct {
	const char *name;
	int (*work)(void *context, struct error *error);
	long long timeout_ms;
} works[] = {
	{"write-inside", write_inside, PATIENCE_MS},
	{"write-outside", write_outside, PATIENCE_MS},
	{"create-outside", create_outside, PATIENCE_MS},
	{"execute", execute, PATIENCE_MS},
	{"crash", crash, PATIENCE_MS},
	{"leave", leave, PATIENCE_MS},
	{"hang", hang, TIMEOUT_MS},
	{"hoard", hoard, PATIENCE_MS},
};

int main(int argc, char **argv)
{
	struct error error = {0};

	if (argc != 4)
		return 2;
	struct job job = {.dir = open(argv[1], O_RDONLY | O_DIRECTORY), .outside = argv[2]};
	for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
		if (strcmp(works[i].name, argv[3]) != 0)
			continue;
		int result = confine_run(job.dir, MEMORY, works[i].timeout_ms, works[i].work, &job, &job.result, sizeof job.result,
					 &error);
		printf("%d %d %s: %s\n", result, job.result, error_word(error.code), error.message);
		return 0;
	}
	return 2;
}
