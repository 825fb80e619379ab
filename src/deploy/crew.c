/* SPDX-License-Identifier: MIT */
#include "deploy/crew.h"

#include "deploy/output.h"
#include "deploy/reader.h"
#include "deploy/walk.h"
#include "deploy/zip_reader.h"

#include "buf.h"
#include "error.h"
#include "thread.h"

#include <limits.h>
#include <sched.h>
#include <string.h>

enum {
	MOST = 2,           /* threads: what is created is created by one at a time, and that is half of the work */
	BATCH = 8,          /* files that a thread makes before it fills them, */
	BATCH_BYTES = 256 * 1024, /* unless they are so large together */
};

struct crew {
	pthread_mutex_t lock; /* of all that follows, and of the walk */
	struct walk *walk;
	long long taken;  /* how many members were taken from the archive */
	long long failed; /* the number of the first of them that failed, LLONG_MAX as long as none has */
	struct error error;
	bool ended;
};

/* A file that was made and is to be filled. */
struct job {
	long long number; /* of the member */
	struct member member;
	struct zip_record record;
	struct buf path, name; /* of member and record */
	struct output output;
};

/* What a thread has of its own. */
struct worker {
	struct crew *crew;
	struct zip_content content;
	struct job jobs[BATCH];
	int count;
};

/* Keeps the error of the first member that failed; all members before it were taken before it. */
static void fail(struct crew *crew, long long number, const struct error *error)
{
	if (number >= crew->failed)
		return;
	crew->failed = number;
	crew->error = *error;
}

static const char *keep(struct buf *buf, const char *bytes, size_t length)
{
	buf_clear(buf);
	buf_puts(buf, "");
	buf_add(buf, bytes, length);
	return buf->data;
}

/* Makes a file that is going to be filled. Returns 0 or -1. */
static int take_file(struct walk *walk, struct job *job, const struct member *member, struct error *error)
{
	if (walk_count(walk, member->size, error))
		return -1;
	int fd = walk_make(walk, member, error);
	if (fd < 0)
		return -1;
	job->output = (struct output){.fd = fd};
	job->member = *member;
	job->member.path = keep(&job->path, member->path, strlen(member->path));
	job->record = reader_zip(walk->reader)->record;
	job->record.name = keep(&job->name, job->record.name, job->record.name_length);
	return 0;
}

/* Makes what comes in the archive up to the next file. Returns 1 with that, 0 at the end, or -1. */
static int take(struct crew *crew, struct job *job, struct error *error)
{
	struct walk *walk = crew->walk;
	struct member member;

	for (;;) {
		job->number = crew->taken++;
		int more = walk_next(walk, &member, error);
		if (more <= 0)
			return more;
		bool file = member.type == MEMBER_FILE;
		if (file ? take_file(walk, job, &member, error) : walk_make(walk, &member, error))
			return member_at(member.path, error);
		if (file)
			return 1;
	}
}

/* Takes a few files. Returns whether there was one. */
static bool take_batch(struct worker *worker)
{
	struct crew *crew = worker->crew;
	struct error error;
	long long size = 0;

	worker->count = 0;
	pthread_mutex_lock(&crew->lock);
	while (!crew->ended && crew->failed == LLONG_MAX && worker->count < BATCH && size < BATCH_BYTES) {
		struct job *job = &worker->jobs[worker->count];
		int more = take(crew, job, &error);
		crew->ended = more == 0;
		if (more < 0)
			fail(crew, job->number, &error);
		if (more > 0) {
			size += job->member.size;
			worker->count++;
		}
	}
	pthread_mutex_unlock(&crew->lock);
	return worker->count > 0;
}

static int write_all(struct zip_content *content, struct job *job, struct error *error)
{
	const void *bytes;
	ssize_t got;

	if (zip_content_begin(content, &job->record, error))
		return -1;
	while ((got = zip_content_read(content, &bytes, error)) > 0)
		if (output_write(&job->output, &job->member, bytes, (size_t)got, job->output.end, error))
			return -1;
	return (int)got;
}

static void fill(struct worker *worker, struct job *job)
{
	struct error error, later;
	int failed = write_all(&worker->content, job, &error);

	if (output_end(&job->output, &job->member, 0, failed ? &later : &error) == 0 && !failed)
		return;
	member_at(job->member.path, &error);
	pthread_mutex_lock(&worker->crew->lock);
	fail(worker->crew, job->number, &error);
	pthread_mutex_unlock(&worker->crew->lock);
}

static void *work(void *context)
{
	struct crew *crew = context;
	struct worker worker = {.crew = crew};

	zip_content_open(&worker.content, reader_zip(crew->walk->reader)->content.whole);
	while (take_batch(&worker))
		for (int i = 0; i < worker.count; i++)
			fill(&worker, &worker.jobs[i]);
	zip_content_close(&worker.content);
	for (int i = 0; i < BATCH; i++) {
		buf_free(&worker.jobs[i].path);
		buf_free(&worker.jobs[i].name);
	}
	return NULL;
}

/* How many threads help the caller: none where a member may need as much memory as there is. */
static int helpers(const struct walk *walk)
{
	cpu_set_t processors;

	if (!reader_zip(walk->reader)->directory.only_common)
		return 0;
	int count = sched_getaffinity(0, sizeof processors, &processors) ? 1 : CPU_COUNT(&processors);

	return (count < MOST ? count : MOST) - 1;
}

int crew_extract(struct walk *walk, struct error *error)
{
	struct crew crew = {.lock = PTHREAD_MUTEX_INITIALIZER, .walk = walk, .failed = LLONG_MAX};
	pthread_t threads[MOST];
	int started = 0, wanted = helpers(walk);

	while (started < wanted && thread_start(&threads[started], work, &crew))
		started++;
	work(&crew);
	while (started)
		pthread_join(threads[--started], NULL);
	pthread_mutex_destroy(&crew.lock);
	if (crew.failed == LLONG_MAX)
		return 0;
	*error = crew.error;
	return -1;
}
