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

/* True when a generation after the given one serves; others may still be ending. */
static bool is_up(const struct serve_status *status, long long before)
{
	return status->count > 0 && serve_status_newest(status)->generation > before &&
	       (status->state == SERVE_READY || status->state == SERVE_UNKNOWN);
}

static int explain_delay(const struct serve_status *status, long long before, struct error *error)
{
	AUTO_BUF struct buf last = {0};

	if (is_up(status, before)) {
		const struct serve_worker *old = &status->workers[0], *newest = serve_status_newest(status);
		error_set(error, ERROR_LOCKED, "generation %lld serves, but %lld (pid %d) has not ended yet", newest->generation,
			  old->generation, (int)old->pid);
		return error_hint(error, "it is killed after the --kill-timeout of the supervisor");
	}
	if (status->reason[0])
		buf_printf(&last, "; generation %lld failed: %s", status->generation, status->reason);
	error_set(error, ERROR_LOCKED, "no generation after %lld is up yet%s", before, buf_text(&last));
	return error_hint(error, "wait, and look at the status file and at what the server printed");
}

/* Says whether what a signal is to bring about is there. Returns 0 when it is; 1 when it is not yet, with what is missing in
 * error; or -1 when it has failed. before is what the status file told before the signal. */
typedef int check(const struct serve_status *status, long long before, struct error *error);

static int check_restart(const struct serve_status *status, long long before, struct error *error)
{
	if (status->state == SERVE_FAILED && status->generation > before)
		return error_set(error, ERROR_APPLICATION, "generation %lld %s: %s", status->generation,
				 status->died.generation == status->generation ? "died" : "failed to start", status->reason);
	if (status->count == 1 && is_up(status, before))
		return 0;
	explain_delay(status, before, error);
	return 1;
}

static int check_reexec(const struct serve_status *status, long long before, struct error *error)
{
	error_set(error, ERROR_LOCKED, "the supervisor has not executed its program yet");
	error_hint(error, "wait, and look at the status file and at the log of the supervisor");
	if (status->executed <= before)
		return 1;
	if (!status->refused[0])
		return 0;
	return error_set(error, ERROR_SUPERVISOR, "the supervisor goes on with the program of before: %s", status->refused);
}

/* As the check, of what the files say now. */
static int look(const struct settings *settings, pid_t supervisor, check *is_there, long long before, struct error *error)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	pid_t pid;

	if (serve_is_running(settings->pid_file, &pid, error) != 1 || pid != supervisor)
		return error_set(error, ERROR_SUPERVISOR, "the supervisor (pid %d) ended", (int)supervisor);
	if (serve_status_read(settings->status_file, &status, error) < 0)
		return -1;
	return is_there(&status, before, error);
}

/* Waits milliseconds at most. Returns 0, or -1 with why it failed or what is missing. */
static int await(const struct settings *settings, pid_t supervisor, check *is_there, long long before, long long limit,
		 struct error *error)
{
	long long deadline = time_monotonic() + limit;
	int result;

	while ((result = look(settings, supervisor, is_there, before, error)) == 1 && time_monotonic() < deadline)
		time_sleep(STEP_MS);
	return result ? -1 : 0;
}

/* Returns 0 with the supervisor that runs and what its status file says, or -1. */
static int find(const struct settings *settings, pid_t *ret_pid, struct serve_status *ret_status, struct error *error)
{
	int running = serve_is_running(settings->pid_file, ret_pid, error);

	if (running == 0) {
		error_set(error, ERROR_CONFIG, "no supervisor holds the pid file %s", settings->pid_file);
		return error_hint(error, "start one, or give the --root or --pid-file of the one that runs");
	}
	return running < 0 || serve_status_read(settings->status_file, ret_status, error) < 0 ? -1 : 0;
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
	pid_t pid;

	if (find(settings, &pid, &status, error))
		return -1;
	long long before = serve_status_generation(&status);
	if (send_signal(settings, pid, SIGHUP, error) ||
	    await(settings, pid, check_restart, before, restart_limit(settings), error))
		return -1;
	log_info("Restarted");
	return 0;
}

int control_reexec(const struct settings *settings, struct error *error)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	pid_t pid;

	if (find(settings, &pid, &status, error))
		return -1;
	if (!status.program[0]) { /* the signal would end it */
		error_set(error, ERROR_SUPERVISOR, "the supervisor (pid %d) cannot execute its program again", (int)pid);
		return error_hint(error, "it is of another program or an older version; end it with --stop and start it again");
	}
	if (send_signal(settings, pid, SIGUSR2, error) ||
	    await(settings, pid, check_reexec, status.executed, REEXEC_TRIAL_MS + MARGIN_MS, error))
		return -1;
	log_info("Program executed again");
	return 0;
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
