/* SPDX-License-Identifier: MIT */
/* The workers that live, and what is expected of each. */
#ifndef DEWY_SERVE_WORKERS_H
#define DEWY_SERVE_WORKERS_H

#include "events.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct buf;
struct handover;
struct serve_status;

#define NEVER EVENTS_NEVER

enum role {
	ROLE_NEW,       /* it is being started, and has to show that it is up */
	ROLE_CURRENT,   /* it serves */
	ROLE_OLD,       /* it served, and was told to end */
	ROLE_DISCARDED, /* it did not come up, and was told to end */
	ROLE_COUNT,
};

struct worker {
	long long generation;
	pid_t pid;
	enum role role;
	bool up;              /* a new one: it has shown that it is up */
	bool speaks;          /* it has sent something to NOTIFY_SOCKET */
	long long started_at; /* on the monotonic clock, as the next */
	int told;             /* the signal that told it to end, 0 for none */
	long long kill_at;    /* NEVER unless it was told to end, and when it was killed */
};

/* The processes that a worker which has ended left behind in its process group: they hold the sockets, and would go on answering
 * with its version. */
struct remains {
	pid_t group;
	long long kill_at;
};

struct workers {
	struct worker *list; /* oldest first */
	size_t count;
	struct remains *remains;
	size_t remains_count;
};

/* Adds a worker of the newest generation that was just started. */
void workers_add(struct workers *workers, long long generation, pid_t pid);

/* Takes out a worker that has ended. Who is left in its process group gets the signal that told it to end, or SIGTERM, and then
 * SIGKILL when its time has come, or, when nothing told it to end, timeout milliseconds from now. */
void workers_remove(struct workers *workers, pid_t pid, long long timeout);

/* True when neither a worker nor what one left behind lives. */
bool workers_are_gone(const struct workers *workers);

/* Returns the worker with that pid, or in whose process group that pid is; or NULL. */
struct worker *workers_find(const struct workers *workers, pid_t pid);

/* Returns the youngest worker in that role, or NULL. */
struct worker *workers_in_role(const struct workers *workers, enum role role);

/* Sends a worker the signal that tells it to end, and notes that it is killed timeout milliseconds from now. */
void worker_dismiss(struct worker *worker, int signal, long long timeout);

/* Kills those whose time has come, and forgets remains that have ended. */
void workers_tick(struct workers *workers);

/* Returns when workers_tick is to be called next, or NEVER. */
long long workers_next_tick(const struct workers *workers);

/* Append the pids of all, or of the old ones, joined by commas, or "none". */
void workers_add_pids(const struct workers *workers, struct buf *buf);
void workers_add_old_pids(const struct workers *workers, struct buf *buf);

/* Fills in the workers of a status file: all that serve or served. */
void workers_fill_status(const struct workers *workers, struct serve_status *status);

/* Puts all down, or sets them; see handover.h. */
void workers_hand_over(struct workers *workers, const struct handover *handover);

void workers_free(struct workers *workers);

#endif
