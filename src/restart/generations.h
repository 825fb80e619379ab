/* SPDX-License-Identifier: MIT */
/* The generations of a supervisor, as its pid file and its status file tell them. */
#ifndef DEWY_GENERATIONS_H
#define DEWY_GENERATIONS_H

#include "restart/server.h"

struct generations {
	char *pid_file;
	char *status_file;
	pid_t supervisor;   /* 0 when none runs */
	pid_t asked;        /* the one that was asked for a new one; 0 for one that is only started for that */
	long long before;   /* the highest generation that was there when a new one was asked for */
	long long asked_at; /* when that was, in milliseconds on the monotonic clock; 0 for never */
};

/* Looks whether a supervisor holds the pid file. Returns 0 or -1; the caller gives generations to generations_free in both
 * cases. */
int generations_find(struct generations *generations, const struct stage_run *run, struct error *error);

void generations_free(struct generations *generations);

/* Looks again. Returns 1 when a supervisor runs, 0 when none does, or -1. */
int generations_running(struct generations *generations, struct error *error);

/* Remembers what is there, right before the supervisor is asked for a new generation. */
void generations_ask(struct generations *generations);

/* True when the supervisor was asked for a generation, and neither has one nor has given up: Perl's start_server tries for
 * ever, and another SIGHUP would make it accept what it tries at that moment. */
bool generations_pending(const struct generations *generations);

/* Returns how many milliseconds more than --start-timeout the supervisor may take: one that tells its state knows best why a
 * generation is not up, and keeps the old one beside it for --settle. */
long long generations_patience(const struct generations *generations, const struct options *options);

/* Returns the newest generation that the supervisor has, or has tried; 0 when it tells none. */
long long generations_newest(const struct generations *generations);

/* Ends the generation that the supervisor was asked for when it is not up yet, so that the supervisor can be asked for another one:
 * by SIGTERM, and after kill_timeout_ms milliseconds by SIGKILL. */
void generations_abandon(const struct generations *generations, long long kill_timeout_ms);

/* Adds to the plan of a --dry-run which generation is expected. */
void generations_plan(const struct generations *generations, const struct server *server);

/* What look, serves and kept of struct server_ops do. */
int generations_look(struct generations *generations, struct server *server, struct error *error);
int generations_serve(struct generations *generations, struct server *server, bool *ret_alone, struct error *error);
bool generations_kept(struct generations *generations, struct server *server);

#endif
