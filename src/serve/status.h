/* SPDX-License-Identifier: MIT */
/* The pid file and the status file of a supervisor, as Server::Starter defines them: "PID\n" under a lock that is held as
 * long as the supervisor lives, and lines "GENERATION:PID\n" of the workers that run. dewy-serve adds a line
 * "# state=ready gen=7 reason=...", "# starting=8:1234" while that worker has not shown that it is up, "# died=6 reason=..." once
 * one has that served, and "# program=0.1.0 executed=2 refused=..."; readers of the old format skip them. */
#ifndef DEWY_SERVE_STATUS_H
#define DEWY_SERVE_STATUS_H

#include "cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;
struct options;
struct root;

/* Their names in ROOT/.dewy, where no option says otherwise. */
#define SERVE_PID_FILE "serve.pid"
#define SERVE_STATUS_FILE "serve.status"

/* Return where the files of the supervisor are: what --pid-file or --status-file says, or the one in ROOT/.dewy. The caller frees
 * the path. */
char *serve_pid_file(const struct options *options, const struct root *root);
char *serve_status_file(const struct options *options, const struct root *root);

enum serve_state {
	SERVE_UNKNOWN,  /* a supervisor that does not write its state */
	SERVE_STARTING, /* generation is being started */
	SERVE_READY,    /* generation serves */
	SERVE_FAILED,   /* generation was discarded; reason says why */
	SERVE_STOPPING, /* the supervisor was told to end */
	SERVE_STATE_COUNT,
};

/* What they are called in the file. */
extern const char *const serve_state_words[SERVE_STATE_COUNT];

struct serve_worker {
	long long generation;
	pid_t pid;
};

/* The last generation that came to its end while it was the one that served, unasked; 0 for none. */
struct serve_death {
	long long generation;
	char reason[32]; /* such as "signal 11" */
};

struct serve_status {
	struct serve_worker *workers; /* by generation, oldest first */
	size_t count;
	struct serve_worker starting; /* has not shown yet that it is up; pid 0 for none */
	enum serve_state state;
	long long generation; /* that state is about */
	char reason[128];     /* one word after another, such as "exit 1" or "not ready in 60s" */
	struct serve_death died;
	char program[32];     /* version of the supervisor, "" for one that does not know SIGUSR2 */
	long long executed;   /* how often it was told to execute its program again */
	char refused[128];    /* why it did not at the last time, "" when it did */
};

#define AUTO_SERVE_STATUS AUTO(serve_status_free)

void serve_status_free(struct serve_status *status);

/* Returns the worker of the newest generation that serves or served, which belongs to status; NULL when there is none. */
const struct serve_worker *serve_status_newest(const struct serve_status *status);

/* Returns the newest generation that has begun, also one that did not come up; 0 for none. The first one, while it is only
 * announced, does not count: whoever asks for a new one now gets that one. */
long long serve_status_generation(const struct serve_status *status);

/* Reads a status file. Returns 0; 1 when there is none; or -1. The caller gives it to serve_status_free in all cases. */
int serve_status_read(const char *path, struct serve_status *ret_status, struct error *error);

/* Returns when a status file was written, in milliseconds since the epoch; -1 when there is none. */
long long serve_status_written_at(const char *path);

/* True when a process that a status file of that time lists is still that one, which leads a process group, rather than another
 * with its number. */
bool serve_status_means(pid_t pid, long long written_at);

/* Replaces a status file atomically and durably. Returns 0 or -1. */
int serve_status_write(const char *path, const struct serve_status *status, struct error *error);

/* Returns 1 with its pid when a supervisor holds the pid file, 0 when none does, or -1. A pid file that nobody locks counts
 * when its process lives and began before the file was written (Go's start_server). */
int serve_is_running(const char *pid_file, pid_t *ret_pid, struct error *error);

#endif
