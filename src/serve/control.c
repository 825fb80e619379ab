/* SPDX-License-Identifier: MIT */
#include "serve/control.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "log.h"
#include "options.h"
#include "serve/reexec.h"
#include "serve/settings.h"
#include "serve/status.h"
#include "time.h"

#include <errno.h>
#include <signal.h>

enum { STEP_MS = 50, MARGIN_MS = 10000 };

static int send_signal(const struct settings *settings, pid_t pid, int number, struct error *error)
{
	if (kill(pid, number) == 0)
		return 0;
	error_errno(error, errno, "cannot signal the supervisor (pid %d) of %s", (int)pid, settings->pid_file);
	return error_hint(error, "run this as the user that started it");
}

static int explain_nobody(const struct settings *settings, struct error *error)
{
	error_set(error, ERROR_CONFIG, "no supervisor holds the pid file %s", settings->pid_file);
	return error_hint(error, "start one, or give the --root or --pid-file of the one that runs");
}

static long long newest_generation(const struct serve_status *status)
{
	long long newest = status->generation;

	if (status->count && status->workers[status->count - 1].generation > newest)
		newest = status->workers[status->count - 1].generation;
	return newest;
}

/* True when a generation after the given one serves; others may still be ending. */
static bool is_up(const struct serve_status *status, long long before)
{
	return status->count > 0 && status->workers[status->count - 1].generation > before &&
	       (status->state == SERVE_READY || status->state == SERVE_UNKNOWN);
}

static int explain_delay(const struct serve_status *status, long long before, struct error *error)
{
	AUTO_BUF struct buf last = {0};

	if (is_up(status, before)) {
		error_set(error, ERROR_LOCKED, "generation %lld serves, but %lld (pid %d) has not ended yet",
			  status->workers[status->count - 1].generation, status->workers[0].generation, (int)status->workers[0].pid);
		return error_hint(error, "it is killed after the --kill-timeout of the supervisor");
	}
	if (status->reason[0])
		buf_printf(&last, "; generation %lld failed: %s", status->generation, status->reason);
	error_set(error, ERROR_LOCKED, "no generation after %lld is up yet%s", before, buf_text(&last));
	return error_hint(error, "wait, and look at the status file and at what the server printed");
}

/* Returns 0 when the restart is complete, 1 when it is not yet, with the reason in error, or -1 when it has failed. */
static int check_restart(const struct settings *settings, pid_t supervisor, long long before, struct error *error)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	pid_t pid;

	if (serve_is_running(settings->pid_file, &pid, error) != 1 || pid != supervisor)
		return error_set(error, ERROR_SUPERVISOR, "the supervisor (pid %d) ended", (int)supervisor);
	if (serve_status_read(settings->status_file, &status, error) < 0)
		return -1;
	if (status.state == SERVE_FAILED && status.generation > before)
		return error_set(error, ERROR_APPLICATION, "generation %lld failed to start: %s", status.generation, status.reason);
	if (status.count == 1 && is_up(&status, before))
		return 0;
	explain_delay(&status, before, error);
	return 1;
}

/* The longest that a restart can take, when the supervisor has the options given here. */
static long long restart_limit(const struct settings *settings)
{
	long long once = settings->ready_timeout + settings->interval, attempts = once;

	for (long long failures = 1; failures < settings->max_start_failures; failures++)
		attempts += settings_pause(failures) + once;
	/* Twice, as the signal may come during a start that it has to wait for. */
	return 2 * (attempts + option_number(settings->options, OPT_KILL_OLD_DELAY)) + settings->kill_timeout + MARGIN_MS;
}

int control_restart(const struct settings *settings, struct error *error)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	long long deadline = time_monotonic() + restart_limit(settings);
	pid_t pid;

	int running = serve_is_running(settings->pid_file, &pid, error);
	if (running == 0)
		return explain_nobody(settings, error);
	if (running < 0 || serve_status_read(settings->status_file, &status, error) < 0)
		return -1;
	long long before = newest_generation(&status);
	if (send_signal(settings, pid, SIGHUP, error))
		return -1;
	int result;
	while ((result = check_restart(settings, pid, before, error)) == 1) {
		if (time_monotonic() >= deadline)
			return -1;
		time_sleep(STEP_MS);
	}
	if (result == 0)
		log_info("Restarted");
	return result;
}

static int explain_ignorance(pid_t supervisor, struct error *error)
{
	error_set(error, ERROR_SUPERVISOR, "the supervisor (pid %d) cannot execute its program again", (int)supervisor);
	return error_hint(error, "it is of another program or an older version; end it with --stop and start it again");
}

/* Returns 0 when the new program is there, 1 when it is not yet, or -1. */
static int check_reexec(const struct settings *settings, pid_t supervisor, long long before, struct error *error)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	pid_t pid;

	if (serve_is_running(settings->pid_file, &pid, error) != 1 || pid != supervisor)
		return error_set(error, ERROR_SUPERVISOR, "the supervisor (pid %d) ended", (int)supervisor);
	if (serve_status_read(settings->status_file, &status, error) < 0)
		return -1;
	if (status.executed <= before)
		return 1;
	if (status.refused[0])
		return error_set(error, ERROR_SUPERVISOR, "the supervisor goes on with the program of before: %s", status.refused);
	log_info("Executed again", "version", status.program);
	return 0;
}

int control_reexec(const struct settings *settings, struct error *error)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	long long deadline = time_monotonic() + REEXEC_TRIAL_MS + MARGIN_MS;
	pid_t pid;

	int running = serve_is_running(settings->pid_file, &pid, error);
	if (running == 0)
		return explain_nobody(settings, error);
	if (running < 0 || serve_status_read(settings->status_file, &status, error) < 0)
		return -1;
	if (!status.program[0]) /* the signal would end it */
		return explain_ignorance(pid, error);
	if (send_signal(settings, pid, SIGUSR2, error))
		return -1;
	int result;
	while ((result = check_reexec(settings, pid, status.executed, error)) == 1) {
		if (time_monotonic() >= deadline)
			return error_set(error, ERROR_LOCKED, "the supervisor (pid %d) has not answered yet", (int)pid);
		time_sleep(STEP_MS);
	}
	return result;
}

int control_stop(const struct settings *settings, struct error *error)
{
	long long deadline = time_monotonic() + settings->kill_timeout + MARGIN_MS;
	pid_t supervisor, pid;
	int running = serve_is_running(settings->pid_file, &supervisor, error);

	if (running == 0)
		log_info("No supervisor runs", "pid_file", settings->pid_file);
	if (running <= 0)
		return running;
	if (send_signal(settings, supervisor, SIGTERM, error))
		return -1;
	while ((running = serve_is_running(settings->pid_file, &pid, error)) == 1 && pid == supervisor) {
		if (time_monotonic() >= deadline)
			return error_set(error, ERROR_APPLICATION, "the supervisor (pid %d) has not ended yet", (int)supervisor);
		time_sleep(STEP_MS);
	}
	return running < 0 ? -1 : 0;
}
