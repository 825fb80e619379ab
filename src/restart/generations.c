/* SPDX-License-Identifier: MIT */
#include "restart/generations.h"

#include "alloc.h"
#include "error.h"
#include "proc.h"
#include "time.h"

#include <signal.h>

enum {
	STEP_MS = 50,
	MARGIN_MS = 5000, /* a supervisor that gives up in time has the first word, since it knows why */
	CLOCK_MS = 20,    /* the age of a process is not exact */
};

int generations_find(struct generations *generations, const struct stage_run *run, struct error *error)
{
	*generations = (struct generations){
		.pid_file = serve_pid_file(run->options, run->root),
		.status_file = serve_status_file(run->options, run->root),
	};
	return generations_running(generations, error) < 0 ? -1 : 0;
}

void generations_free(struct generations *generations)
{
	free(generations->pid_file);
	free(generations->status_file);
}

int generations_running(struct generations *generations, struct error *error)
{
	return serve_is_running(generations->pid_file, &generations->supervisor, error);
}

long long generations_newest(const struct generations *generations)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	struct error unread;

	if (!generations->supervisor || serve_status_read(generations->status_file, &status, &unread))
		return 0; /* without a supervisor, a file is one that was left behind */
	return serve_status_generation(&status);
}

void generations_ask(struct generations *generations)
{
	generations->before = generations_newest(generations);
	generations->asked = generations->supervisor;
	generations->asked_at = time_monotonic();
}

void generations_plan(const struct generations *generations, const struct server *server)
{
	server_expect(server, "a generation above %lld in %s", generations_newest(generations), generations->status_file);
}

bool generations_pending(const struct generations *generations)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	struct error unread;

	return generations->supervisor && generations->asked_at &&
	       serve_status_read(generations->status_file, &status, &unread) >= 0 && status.state == SERVE_UNKNOWN &&
	       (!status.count || serve_status_newest(&status)->generation <= generations->before);
}

long long generations_patience(const struct generations *generations, const struct options *options)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	struct error unread;
	bool silent = serve_status_read(generations->status_file, &status, &unread) == 0 && status.state == SERVE_UNKNOWN;

	return silent ? 0 : option_number(options, OPT_SETTLE) + MARGIN_MS;
}

/* Returns the worker of a newer generation that is not up yet; its pid is 0 when there is none. */
static struct serve_worker find_starting(const struct generations *generations)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	struct error unread;

	if (serve_status_read(generations->status_file, &status, &unread) || status.starting.generation <= generations->before)
		return (struct serve_worker){0};
	return status.starting;
}

void generations_abandon(const struct generations *generations, long long kill_timeout_ms)
{
	static const int signals[] = {SIGTERM, SIGKILL};
	pid_t pid = find_starting(generations).pid; /* one that is started after it is of what current leads to now */
	AUTO_CLOSE int pidfd = pid ? proc_pidfd(pid) : -1;

	for (size_t i = 0; i < sizeof signals / sizeof *signals && pid && find_starting(generations).pid == pid; i++) {
		long long deadline = time_monotonic() + kill_timeout_ms;
		proc_signal(pid, pidfd, signals[i]);
		while (find_starting(generations).pid == pid && time_monotonic() < deadline)
			time_sleep(STEP_MS);
	}
}

/* True when the process began after the supervisor was asked: an older one may run what current led to before. */
static bool is_new(const struct generations *generations, const struct serve_worker *worker)
{
	long long age = proc_age(worker->pid);

	return worker->generation > generations->before && age >= 0 && age <= time_monotonic() - generations->asked_at + CLOCK_MS;
}

/* True when the supervisor has come to an end with its newest generation. One that was started with a longer --settle keeps the old
 * one beside it for longer than this run asks for. */
static bool has_settled(const struct serve_status *status, const struct server *server)
{
	const struct options *options = server->run->options;
	long long most = option_number(options, OPT_START_TIMEOUT) + option_number(options, OPT_SETTLE);

	return status->state == SERVE_READY || status->state == SERVE_UNKNOWN ||
	       (status->state == SERVE_STARTING && time_monotonic() >= server->renewed_at + most);
}

/* Says what look waits for. Returns 1. */
static int wait_for_status(const struct generations *generations, bool written, struct error *error)
{
	if (written) {
		error_set(error, ERROR_APPLICATION, "the supervisor %d has no newer generation than %lld",
			  (int)generations->supervisor, generations->before);
		return 1;
	}
	error_set(error, ERROR_APPLICATION, "the supervisor %d has not written the status file %s", (int)generations->supervisor,
		  generations->status_file);
	error_hint(error, "start it with that --status-file, or name in --status-file the one that it writes");
	return 1;
}

/* True when what has been found to serve, or a generation that was asked for, served and died: the supervisor has started another
 * one, or is about to. */
static bool has_died(const struct generations *generations, const struct serve_status *status, const struct server *server)
{
	return status->died.generation >= (server->worker.generation ? server->worker.generation : generations->before + 1);
}

/* Returns -1. */
static int tell_death(const struct server *server, const char *reason, struct error *error)
{
	return error_set(error, ERROR_APPLICATION, "%s stopped again%s%s", server_version(server), *reason ? ": " : "", reason);
}

/* The one that was asked may have been killed, and another one be there: it counts from 1, and began with what current leads to. */
static void follow_successor(struct generations *generations)
{
	if (generations->supervisor == generations->asked)
		return;
	generations->asked = generations->supervisor;
	generations->before = 0;
}

int generations_look(struct generations *generations, struct server *server, struct error *error)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	const char *version = server_version(server);
	int alive = generations_running(generations, error);
	int unwritten = alive < 0 ? -1 : serve_status_read(generations->status_file, &status, error);

	if (alive < 0 || unwritten < 0)
		return -1;
	if (alive)
		follow_successor(generations);
	if (has_died(generations, &status, server))
		return tell_death(server, status.died.reason, error);
	if (status.state == SERVE_FAILED && status.generation > generations->before)
		return error_set(error, ERROR_APPLICATION, "%s did not start: %s", version, status.reason);
	if (!alive)
		return error_set(error, ERROR_SUPERVISOR, "the supervisor ended before %s was up", version);
	if (!has_settled(&status, server) || !status.count || !is_new(generations, serve_status_newest(&status)))
		return wait_for_status(generations, !unwritten, error);
	server->worker = *serve_status_newest(&status);
	return 0;
}

int generations_serve(struct generations *generations, struct server *server, bool *ret_alone, struct error *error)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	int alive = generations_running(generations, error);

	if (alive < 0 || serve_status_read(generations->status_file, &status, error) < 0)
		return -1;
	if (alive && generations->supervisor != generations->asked)
		return error_set(error, ERROR_SUPERVISOR, "the supervisor of %s ended, and another one has begun",
				 server_version(server));
	*ret_alone = status.count == 1;
	const struct serve_worker *last = serve_status_newest(&status);
	/* A start_server that was about to replace a worker that had died does so, and then what it was asked for; any supervisor
	 * may have been about to start one when it was asked for another. One that tells deaths may be asked by others at any
	 * time. */
	bool died = has_died(generations, &status, server);
	bool replaced = !died && (!server->settled || status.state != SERVE_UNKNOWN) && last &&
			last->generation > server->worker.generation;
	if (alive && replaced)
		server->worker = *last;
	bool dead = status.state == SERVE_UNKNOWN && proc_age(server->worker.pid) < 0; /* the others tell so themselves, and why */
	if (alive && last && last->generation == server->worker.generation && last->pid == server->worker.pid && !dead)
		return 1;
	const char *reason = died ? status.died.reason : status.state == SERVE_FAILED ? status.reason : "";
	if (!alive && !*reason)
		return error_set(error, ERROR_SUPERVISOR, "the supervisor of %s ended", server_version(server));
	tell_death(server, reason, error);
	return 0;
}

/* Lets a supervisor that tries for ever come to rest with what current leads to now. */
static void await_rest(struct generations *generations, struct server *server)
{
	long long deadline = time_monotonic() + option_number(server->run->options, OPT_START_TIMEOUT);
	struct error unused;

	generations->asked_at = time_monotonic();
	while (generations_look(generations, server, &unused) == 1 && time_monotonic() < deadline)
		time_sleep(STEP_MS);
}

bool generations_kept(struct generations *generations, struct server *server)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	struct error unread;
	bool pending = generations_pending(generations);

	if (pending)
		await_rest(generations, server);
	if (generations_running(generations, &unread) <= 0 || serve_status_read(generations->status_file, &status, &unread) ||
	    !status.count || proc_age(serve_status_newest(&status)->pid) < 0)
		return false;
	server->worker = *serve_status_newest(&status);
	/* A worker from before the last one that died while it served is only finishing. */
	return pending || (status.state == SERVE_FAILED && status.generation > generations->before &&
			   server->worker.generation <= generations->before &&
			   server->worker.generation > status.died.generation);
}
