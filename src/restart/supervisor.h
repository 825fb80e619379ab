/* SPDX-License-Identifier: MIT */
/* The process that supervises the server, seen from outside: its pid file, its status file, SIGHUP. */
#ifndef DEWY_SUPERVISOR_H
#define DEWY_SUPERVISOR_H

#include "serve/status.h"
#include "stage.h"

#include <stdbool.h>

struct error;

struct supervisor {
	const struct stage_run *run;
	char *pid_file;
	char *status_file;
	pid_t pid;         /* 0 when none runs */
	bool started;      /* by this run */
	long long before;  /* the highest generation that was there before the last start or SIGHUP */
};

#define AUTO_SUPERVISOR AUTO(supervisor_forget)

/* Looks whether a supervisor runs. Returns 0, or -1; the caller gives it to supervisor_forget in both cases. */
int supervisor_find(struct supervisor *supervisor, const struct stage_run *run, struct error *error);

void supervisor_forget(struct supervisor *supervisor);

/* Makes the supervisor start what current leads to: SIGHUP to one that runs, else a new dewy-serve with the command behind --.
 * Returns 0, or -1 with ERROR_SUPERVISOR. */
int supervisor_renew(struct supervisor *supervisor, struct error *error);

/* Waits at most --start-timeout until a generation newer than before serves, and --settle longer, in which a supervisor of
 * ours keeps the old one beside it. Returns 0 with that worker; or -1 with
 * ERROR_APPLICATION saying why none does. */
int supervisor_follow(struct supervisor *supervisor, struct serve_worker *ret_worker, struct error *error);

/* Tells whether the worker still serves, as the newest generation. Returns 1 when it does, and sets *ret_alone unless older
 * generations still finish; 0 when it does not, with ERROR_APPLICATION; or -1. */
int supervisor_serves(struct supervisor *supervisor, const struct serve_worker *worker, bool *ret_alone, struct error *error);

/* True when the supervisor has discarded the generation that supervisor_renew asked for, and an older one serves on. */
bool supervisor_discarded(struct supervisor *supervisor);

/* Ends a supervisor that this run started. */
void supervisor_stop(struct supervisor *supervisor);

#endif
