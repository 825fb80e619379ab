/* SPDX-License-Identifier: MIT */
#include "serve/supervisor.h"

#include "alloc.h"
#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "log.h"
#include "proc.h"
#include "serve/report.h"
#include "serve/worker.h"
#include "str.h"
#include "time.h"

#include <signal.h>
#include <stdio.h>

enum { LONG_LIFE_MS = 60000, AFTER_KILL_MS = 5000, MARGIN_MS = 5000 };

enum event {
	EVENT_RESTART, /* somebody wants a new generation */
	EVENT_STOP,    /* somebody wants the end */
	EVENT_UP,      /* the new worker has shown that it is up */
	EVENT_NEW_DIED,
	EVENT_CURRENT_DIED,
	EVENT_ALL_DIED, /* no worker is left, nor what one left behind */
	EVENT_TIMER,
	EVENT_COUNT,
};

static void handle(struct supervisor *supervisor, enum event event);

static void enter(struct supervisor *supervisor, enum phase phase, long long timer)
{
	supervisor->phase = phase;
	supervisor->timer = timer;
}

/* When a new worker that says nothing more is up, or has to be given up. */
static long long start_deadline(const struct supervisor *supervisor, const struct worker *worker)
{
	const struct settings *settings = supervisor->settings;
	bool must_say = settings->require_ready || worker->speaks;

	return worker->started_at + (must_say ? settings->ready_timeout : settings->interval);
}

/* The next automatic restart: at twice the interval even when an old worker is still there. */
static long long auto_restart_time(const struct supervisor *supervisor)
{
	const struct controls *controls = &supervisor->controls;
	bool waits = workers_in_role(&supervisor->workers, ROLE_OLD) != NULL;

	return controls->auto_restart ? supervisor->attempted_at + controls->auto_restart_interval * (waits ? 2 : 1) : NEVER;
}

static void serve(struct supervisor *supervisor)
{
	supervisor->attempted_at = time_monotonic();
	enter(supervisor, PHASE_SERVING, auto_restart_time(supervisor));
}

static void pause_before_start(struct supervisor *supervisor)
{
	enter(supervisor, PHASE_PAUSE, time_monotonic() + settings_pause(supervisor->failures++));
}

static void stop_workers(struct supervisor *supervisor, int number)
{
	long long timeout = supervisor->settings->kill_timeout;

	for (size_t i = 0; i < supervisor->workers.count; i++)
		worker_dismiss(&supervisor->workers.list[i], number, timeout);
	enter(supervisor, PHASE_STOPPING, time_monotonic() + timeout + AFTER_KILL_MS);
	if (workers_are_gone(&supervisor->workers))
		handle(supervisor, EVENT_ALL_DIED);
}

/* The current worker goes on, alone or until the new generation is tried again. */
static void keep_current(struct supervisor *supervisor, bool gives_up)
{
	if (!gives_up) {
		enter(supervisor, PHASE_RETRY, time_monotonic() + settings_pause(supervisor->start_failures));
		return;
	}
	supervisor->start_failures = 0;
	serve(supervisor);
}

/* Says how a start ended. When another one was asked for behind it, the status file waits for the outcome of that one: a reader
 * would take this one for it. */
static void conclude(struct supervisor *supervisor, enum serve_state state, const char *reason)
{
	report_note_state(supervisor, state, supervisor->generation, reason);
	if (!supervisor->restart_pending)
		report_workers(supervisor);
}

/* The new worker will not serve: the current one goes on, another start follows, or it was the first one and the last. */
static void fail_start(struct supervisor *supervisor, pid_t pid, const char *reason)
{
	bool gives_up = ++supervisor->start_failures >= supervisor->settings->max_start_failures;
	bool serves = workers_in_role(&supervisor->workers, ROLE_CURRENT) != NULL, follows = supervisor->restart_pending;

	report_worker(LOG_ERROR, "New worker failed to start", supervisor->generation, pid, reason);
	conclude(supervisor, gives_up ? SERVE_FAILED : SERVE_STARTING, reason);
	if (gives_up && !serves && !follows && supervisor->settings->give_up && !supervisor->has_served) {
		supervisor->exit_status = error_status(ERROR_APPLICATION);
		stop_workers(supervisor, SIGTERM);
		return;
	}
	if (serves)
		keep_current(supervisor, gives_up);
	else
		pause_before_start(supervisor);
	if (gives_up || !serves || follows)
		report_outcome(supervisor);
	if (follows)
		handle(supervisor, EVENT_RESTART);
}

static void read_envdir(struct supervisor *supervisor)
{
	struct envdir envdir;
	struct error error;

	if (envdir_read(&envdir, supervisor->settings->envdir, &error)) {
		log_warn("Keeping the variables of before", "error", error.message);
		envdir_free(&envdir);
		return;
	}
	envdir_free(&supervisor->envdir);
	supervisor->envdir = envdir;
}

static void start(struct supervisor *supervisor)
{
	struct error error;
	struct launch launch = {
		.settings = supervisor->settings,
		.sockets = supervisor->sockets,
		.identity = supervisor->identity,
		.output = supervisor->output,
		.envdir = &supervisor->envdir,
		.notify_address = supervisor->notify_address,
		.generation = ++supervisor->generation,
	};

	supervisor->restart_pending = false;
	read_envdir(supervisor);
	supervisor->controls = settings_controls(supervisor->settings, &supervisor->envdir);
	report_state(supervisor, SERVE_STARTING, launch.generation, "");
	pid_t pid = worker_start(&launch, &error);
	if (pid < 0) {
		fail_start(supervisor, 0, error.message);
		return;
	}
	workers_add(&supervisor->workers, launch.generation, pid);
	report_workers(supervisor);
	report_worker(LOG_INFO, "Starting new worker", launch.generation, pid, NULL);
	enter(supervisor, PHASE_STARTING, start_deadline(supervisor, workers_in_role(&supervisor->workers, ROLE_NEW)));
}

static void start_on_demand(struct supervisor *supervisor)
{
	supervisor->start_failures = 0;
	if (supervisor->phase == PHASE_PAUSE)
		supervisor->failures = 1;
	readiness_tell("RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Starting a new generation", time_monotonic() * 1000);
	start(supervisor);
}

static void postpone(struct supervisor *supervisor)
{
	log_info("A new worker follows the one that is being started");
	supervisor->restart_pending = true;
}

static void dismiss_current(struct supervisor *supervisor, struct worker *current)
{
	const struct settings *settings = supervisor->settings;
	AUTO_BUF struct buf old = {0};

	current->role = ROLE_OLD;
	workers_add_old_pids(&supervisor->workers, &old);
	log_info("Telling old workers to end", "signal", proc_signal_name(settings->signal_on_hup), "workers", buf_text(&old));
	worker_dismiss(current, settings->signal_on_hup, settings->kill_timeout);
}

/* The new worker serves alone from here on: the one before it is told to end. */
static void take_over(struct supervisor *supervisor)
{
	struct worker *current = workers_in_role(&supervisor->workers, ROLE_CURRENT);
	struct worker *new = workers_in_role(&supervisor->workers, ROLE_NEW);

	if (current)
		dismiss_current(supervisor, current);
	new->role = ROLE_CURRENT;
	supervisor->start_failures = 0;
	serve(supervisor);
	conclude(supervisor, SERVE_READY, "");
	report_outcome(supervisor);
	if (supervisor->restart_pending)
		handle(supervisor, EVENT_RESTART);
}

static void accept_new(struct supervisor *supervisor)
{
	struct worker *new = workers_in_role(&supervisor->workers, ROLE_NEW);
	long long delay = supervisor->controls.kill_old_delay;

	new->up = true;
	if (!supervisor->has_served)
		supervisor->failures = 0;
	supervisor->has_served = true;
	report_worker(LOG_INFO, "New worker is now running", new->generation, new->pid, NULL);
	if (delay == 0 || !workers_in_role(&supervisor->workers, ROLE_CURRENT)) {
		take_over(supervisor);
		return;
	}
	AUTO_BUF struct buf text = {0};
	str_add_duration(&text, delay);
	log_info("Waiting before the old worker is told to end", "delay", buf_text(&text));
	enter(supervisor, PHASE_OVERLAP, time_monotonic() + delay);
	report_workers(supervisor);
}

/* The new worker has lived long enough, or has not said READY=1 in time. */
static void settle(struct supervisor *supervisor)
{
	const struct settings *settings = supervisor->settings;
	struct worker *new = workers_in_role(&supervisor->workers, ROLE_NEW);
	AUTO_BUF struct buf reason = {0};

	if (!settings->require_ready && !new->speaks) {
		accept_new(supervisor);
		return;
	}
	buf_puts(&reason, "not ready in ");
	str_add_duration(&reason, settings->ready_timeout);
	new->role = ROLE_DISCARDED;
	worker_dismiss(new, SIGTERM, settings->kill_timeout);
	fail_start(supervisor, new->pid, buf_text(&reason));
}

static void new_died(struct supervisor *supervisor)
{
	fail_start(supervisor, supervisor->ended.pid, supervisor->ended.reason);
}

static void current_died(struct supervisor *supervisor)
{
	pause_before_start(supervisor);
	bool at_once = supervisor->timer <= time_monotonic(); /* then nothing has failed for who looks: see died */
	report_state(supervisor, at_once ? SERVE_STARTING : SERVE_FAILED, supervisor->died.generation, supervisor->ended.reason);
	readiness_tell("STATUS=The worker died (%s) and is started again", supervisor->ended.reason);
}

static void start_by_itself(struct supervisor *supervisor)
{
	log_info("Autorestart triggered");
	start(supervisor);
}

static void stop(struct supervisor *supervisor)
{
	long long most = supervisor->settings->kill_timeout + AFTER_KILL_MS + MARGIN_MS;

	readiness_tell("STOPPING=1\nSTATUS=Waiting for the workers to end\nEXTEND_TIMEOUT_USEC=%lld", most * 1000);
	report_state(supervisor, SERVE_STOPPING, supervisor->generation, "");
	stop_workers(supervisor, supervisor->stop_signal);
}

static void finish(struct supervisor *supervisor)
{
	enter(supervisor, PHASE_DONE, NEVER);
}

typedef void transition(struct supervisor *supervisor);

/* An event that has no transition in a phase changes nothing but the list of workers. */
static transition *const transitions[PHASE_COUNT][EVENT_COUNT] = {
	[PHASE_PAUSE] = {[EVENT_RESTART] = start_on_demand, [EVENT_STOP] = stop, [EVENT_TIMER] = start},
	[PHASE_STARTING] = {[EVENT_RESTART] = postpone,
			    [EVENT_STOP] = stop,
			    [EVENT_UP] = accept_new,
			    [EVENT_NEW_DIED] = new_died,
			    [EVENT_TIMER] = settle},
	[PHASE_RETRY] = {[EVENT_RESTART] = start_on_demand,
			 [EVENT_STOP] = stop,
			 [EVENT_CURRENT_DIED] = start, /* nobody serves: no time to wait */
			 [EVENT_TIMER] = start},
	[PHASE_OVERLAP] = {[EVENT_RESTART] = postpone,
			   [EVENT_STOP] = stop,
			   [EVENT_NEW_DIED] = new_died,
			   [EVENT_CURRENT_DIED] = take_over,
			   [EVENT_TIMER] = take_over},
	[PHASE_SERVING] = {[EVENT_RESTART] = start_on_demand,
			   [EVENT_STOP] = stop,
			   [EVENT_CURRENT_DIED] = current_died,
			   [EVENT_TIMER] = start_by_itself},
	[PHASE_STOPPING] = {[EVENT_ALL_DIED] = finish, [EVENT_TIMER] = finish},
};

static void handle(struct supervisor *supervisor, enum event event)
{
	transition *const next = transitions[supervisor->phase][event];

	if (next)
		next(supervisor);
}

int supervisor_announce(struct supervisor *supervisor, struct error *error)
{
	supervisor->state = SERVE_STARTING;
	supervisor->state_generation = supervisor->generation + 1;
	return report_write(supervisor, error);
}

void supervisor_restart(struct supervisor *supervisor)
{
	log_info("Received HUP");
	handle(supervisor, EVENT_RESTART);
}

void supervisor_stop(struct supervisor *supervisor, int signal)
{
	AUTO_BUF struct buf pids = {0};

	if (supervisor->phase >= PHASE_STOPPING)
		return;
	supervisor->stop_signal = signal == SIGTERM ? supervisor->settings->signal_on_term : SIGTERM;
	workers_add_pids(&supervisor->workers, &pids);
	log_info("Telling all workers to end", "received", proc_signal_name(signal), "signal",
		 proc_signal_name(supervisor->stop_signal), "workers", buf_text(&pids));
	handle(supervisor, EVENT_STOP);
}

void supervisor_child_ended(struct supervisor *supervisor, pid_t pid, int status)
{
	const struct worker *found = workers_find(&supervisor->workers, pid);

	if (!found || found->pid != pid)
		return;
	struct worker worker = *found;
	supervisor->ended.pid = pid;
	worker_describe_end(status, supervisor->ended.reason);
	report_end(supervisor, &worker);
	workers_remove(&supervisor->workers, pid, supervisor->settings->kill_timeout);
	if (worker.role == ROLE_CURRENT && time_monotonic() - worker.started_at >= LONG_LIFE_MS)
		supervisor->failures = 0;
	if (worker.role == ROLE_CURRENT && supervisor->phase != PHASE_STOPPING) {
		supervisor->died.generation = worker.generation;
		snprintf(supervisor->died.reason, sizeof supervisor->died.reason, "%s", supervisor->ended.reason);
	}
	if (worker.role == ROLE_NEW)
		handle(supervisor, EVENT_NEW_DIED);
	else if (worker.role == ROLE_CURRENT)
		handle(supervisor, EVENT_CURRENT_DIED);
	else if (supervisor->phase == PHASE_SERVING)
		supervisor->timer = auto_restart_time(supervisor);
	report_workers(supervisor); /* only now: that a new one is gone and that it failed is one fact for readers */
	if (workers_are_gone(&supervisor->workers))
		handle(supervisor, EVENT_ALL_DIED);
}

void supervisor_notified(struct supervisor *supervisor, pid_t sender, const char *text)
{
	struct worker *worker = workers_find(&supervisor->workers, sender);

	if (!worker || worker->role != ROLE_NEW || supervisor->phase != PHASE_STARTING)
		return;
	worker->speaks = true;
	supervisor->timer = start_deadline(supervisor, worker);
	if (readiness_says(text, "READY=1"))
		handle(supervisor, EVENT_UP);
}

void supervisor_tick(struct supervisor *supervisor)
{
	workers_tick(&supervisor->workers);
	if (workers_are_gone(&supervisor->workers))
		handle(supervisor, EVENT_ALL_DIED);
	if (supervisor->timer <= time_monotonic())
		handle(supervisor, EVENT_TIMER);
}

long long supervisor_next_tick(const struct supervisor *supervisor)
{
	long long next = workers_next_tick(&supervisor->workers);

	return next < supervisor->timer ? next : supervisor->timer;
}

void supervisor_free(struct supervisor *supervisor)
{
	envdir_free(&supervisor->envdir);
	workers_free(&supervisor->workers);
}
