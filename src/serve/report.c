/* SPDX-License-Identifier: MIT */
#include "serve/report.h"

#include "alloc.h"
#include "cleanup.h"
#include "error.h"
#include "time.h"

#include <stdio.h>

int report_write(const struct supervisor *supervisor, struct error *error)
{
	AUTO_SERVE_STATUS struct serve_status status = {.state = supervisor->state, .generation = supervisor->state_generation};

	status.executed = supervisor->executed;
	status.died = supervisor->died;
	snprintf(status.program, sizeof status.program, "%s", PACKAGE_VERSION);
	snprintf(status.refused, sizeof status.refused, "%s", supervisor->refused);
	snprintf(status.reason, sizeof status.reason, "%s", supervisor->reason);
	workers_fill_status(&supervisor->workers, &status);
	return serve_status_write(supervisor->settings->status_file, &status, error);
}

void report_workers(const struct supervisor *supervisor)
{
	struct error error;

	if (report_write(supervisor, &error))
		log_warn("Cannot write the status file", "error", error.message);
}

void report_note_state(struct supervisor *supervisor, enum serve_state state, long long generation, const char *reason)
{
	supervisor->state = state;
	supervisor->state_generation = generation;
	snprintf(supervisor->reason, sizeof supervisor->reason, "%s", reason);
}

void report_state(struct supervisor *supervisor, enum serve_state state, long long generation, const char *reason)
{
	report_note_state(supervisor, state, generation, reason);
	report_workers(supervisor);
}

void report_worker(enum log_level level, const char *message, long long generation, pid_t pid, const char *reason)
{
	AUTO_FREE char *generation_text = xasprintf("%lld", generation), *pid_text = xasprintf("%d", (int)pid);

	log_event(level, message, "generation", generation_text, "pid", pid > 0 ? pid_text : NULL, "reason", reason);
}

void report_end(const struct supervisor *supervisor, const struct worker *worker)
{
	static const char *const messages[] = {
		[ROLE_NEW] = NULL,
		[ROLE_CURRENT] = "Worker died unexpectedly, restarting",
		[ROLE_OLD] = "Old worker died",
		[ROLE_DISCARDED] = "Discarded worker died",
	};
	bool stopping = supervisor->phase == PHASE_STOPPING;
	const char *message = stopping ? "Worker died" : messages[worker->role];

	if (message)
		report_worker(!stopping && worker->role == ROLE_CURRENT ? LOG_WARN : LOG_INFO, message, worker->generation,
			      worker->pid, supervisor->ended.reason);
}

void report_outcome(const struct supervisor *supervisor)
{
	const struct worker *current = workers_in_role(&supervisor->workers, ROLE_CURRENT);
	long long generation = supervisor->state_generation;
	const char *reason = supervisor->reason;

	if (!current)
		readiness_tell("READY=1\nSTATUS=Nothing serves: generation %lld failed to start (%s) and is tried again",
			       generation, reason);
	else if (supervisor->state == SERVE_FAILED)
		readiness_tell("READY=1\nSTATUS=Serving (generation %lld); generation %lld failed to start: %s",
			       current->generation, generation, reason);
	else
		readiness_tell("READY=1\nSTATUS=Serving (generation %lld)", current->generation);
}

static bool is_starting(const struct supervisor *supervisor)
{
	return supervisor->phase == PHASE_STARTING || supervisor->phase == PHASE_RETRY || supervisor->phase == PHASE_OVERLAP;
}

void report_execution(const struct supervisor *supervisor)
{
	if (supervisor->has_served && !is_starting(supervisor))
		readiness_tell("RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Executing the program again", time_monotonic() * 1000);
}

void report_resumption(const struct supervisor *supervisor)
{
	if (supervisor->has_served && !is_starting(supervisor))
		report_outcome(supervisor);
}
