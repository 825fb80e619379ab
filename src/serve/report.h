/* SPDX-License-Identifier: MIT */
/* What the supervisor tells the world: the status file, the log, and systemd. */
#ifndef DEWY_SERVE_REPORT_H
#define DEWY_SERVE_REPORT_H

#include "log.h"
#include "serve/supervisor.h"

/* Writes the status file. Returns 0 or -1. */
int report_write(const struct supervisor *supervisor, struct error *error);

/* Writes the status file after the workers changed; a failure is logged. */
void report_workers(const struct supervisor *supervisor);

/* Sets the state, the generation that it is about and the reason, "" for none. */
void report_note_state(struct supervisor *supervisor, enum serve_state state, long long generation, const char *reason);

/* The same, and writes the status file. */
void report_state(struct supervisor *supervisor, enum serve_state state, long long generation, const char *reason);

/* Logs an event of one worker; pid is 0 when it never ran, reason NULL when there is none. */
void report_worker(enum log_level level, const char *message, long long generation, pid_t pid, const char *reason);

/* Logs that a worker ended, unless it was a new one: fail_start tells of that. The reason is in ended. */
void report_end(const struct supervisor *supervisor, const struct worker *worker);

/* Tells systemd how a start came out, which ends RELOADING=1; READY=1 also when nothing serves yet, since the release that does may
 * be brought by what waits for this unit. */
void report_outcome(const struct supervisor *supervisor);

/* Tells systemd that the program is about to be executed again, and that it goes on. A start that is under way ends RELOADING=1
 * itself. */
void report_execution(const struct supervisor *supervisor);
void report_resumption(const struct supervisor *supervisor);

#endif
