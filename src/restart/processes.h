/* SPDX-License-Identifier: MIT */
/* What processes show of a server that was told to renew itself: that a signal was sent is no proof, but a process that began
 * after it is. */
#ifndef DEWY_PROCESSES_H
#define DEWY_PROCESSES_H

#include "restart/server.h"

enum { PROCESSES_MOST = 256 };

struct processes {
	const char *pid_file;         /* of the main process; NULL when the caller tells which it is */
	pid_t main;                   /* 0 for none */
	pid_t older[PROCESSES_MOST];  /* the main process, first, and its children, when the server was told */
	size_t count;
	bool ran_release;   /* the main process already ran a program of what current leads to */
	bool by_child;      /* what shows the new server is not the main process */
	bool left;          /* the main process that was told has left after the new server was shown */
	pid_t first;        /* the main process that first showed the new server, 0 for none yet */
	long long told_at;  /* in milliseconds on the monotonic clock */
};

/* Reads which process is the main one, unless the caller tells. Returns 1 when there is one, 0 when there is none, or -1. */
int processes_read(struct processes *processes, struct error *error);

/* Remembers what runs, right before the server is told to renew itself. */
void processes_remember(struct processes *processes, const struct server *server);

/* True when the main process began after that time, in milliseconds on the monotonic clock, for certain: then it shows the new
 * server as it is. */
bool processes_began(struct processes *processes, long long since);

/* Adds to the plan of a --dry-run what is expected of the processes. */
void processes_plan(const struct processes *processes, const struct server *server);

/* What look of struct server_ops does. What shows the new server is a main process, or else a child of it, that began after
 * it was told; or a main process that now runs a program of what current leads to, and did not before. */
int processes_look(struct processes *processes, struct server *server, struct error *error);

/* What serves of struct server_ops does: alone is a server none of whose older processes lives but the main one. When the older
 * main process ends, the one that takes its place is waited for, and has to settle. When that one ends, the server has stopped,
 * whoever comes next. */
int processes_serve(struct processes *processes, struct server *server, bool *ret_alone, struct error *error);

#endif
