/* SPDX-License-Identifier: MIT */
#include "deploy/child.h"

#include "confine.h"
#include "deploy/feed.h"

/* Enough for a window of 128 MiB, the largest that zstd takes unasked, and for a zip of four million entries in no order. */
static const long long memory_limit = 192 << 20;

struct job {
	int fd, dir;
	const char *name;
	const struct extract_limits *limits;
	struct extract_result result;
};

static int extract(void *context, struct error *error)
{
	struct job *job = context;

	return extract_archive(job->fd, job->name, job->dir, job->limits, &job->result, error);
}

static int compare(void *context, struct error *error)
{
	const struct job *job = context;

	return extract_compare(job->fd, job->name, job->dir, job->limits, error);
}

static struct confine_needs needs_of(const struct job *job, bool writes, long long timeout_ms,
				     const struct confine_meanwhile *meanwhile)
{
	return (struct confine_needs){
		.dir = job->dir,
		.writes = writes,
		.input = job->fd,
		.memory = memory_limit,
		.file_size = job->limits->bytes,
		.timeout_ms = timeout_ms,
		.meanwhile = meanwhile,
	};
}

int extract_in_child(int fd, const char *name, int dir, const struct extract_limits *limits, long long timeout_ms,
		     const struct confine_meanwhile *meanwhile, struct extract_result *ret, struct error *error)
{
	struct job job = {.fd = fd, .dir = dir, .name = name, .limits = limits};
	struct confine_needs needs = needs_of(&job, true, timeout_ms, meanwhile);
	feed_prepare();
	int result = confine_run(&needs, extract, &job, &job.result, sizeof job.result, error);

	*ret = job.result;
	return result;
}

int compare_in_child(int fd, const char *name, int dir, const struct extract_limits *limits, long long timeout_ms,
		     const struct confine_meanwhile *meanwhile, struct error *error)
{
	struct job job = {.fd = fd, .dir = dir, .name = name, .limits = limits};
	struct confine_needs needs = needs_of(&job, false, timeout_ms, meanwhile);

	feed_prepare();
	return confine_run(&needs, compare, &job, &job.result, sizeof job.result, error);
}
