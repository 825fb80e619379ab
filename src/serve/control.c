/* SPDX-License-Identifier: MIT */
#include "serve/control.h"

#include "alloc.h"
#include "error.h"
#include "log.h"
#include "options.h"
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

static long long newest_generation(const struct serve_status *status)
{
	long long newest = status->generation;

	if (status->count && status->workers[status->count - 1].generation > newest)
		newest = status->workers[status->count - 1].generation;
	return newest;
}

/* True when one worker is left, and it is of a generation after the given one. */
static bool is_replaced(const struct serve_status *status, long long before)
{
	return status->count == 1 && status->workers[0].generation > before &&
	       (status->state == SERVE_READY || status->state == SERVE_UNKNOWN);
}

/* Returns 0 when the restart is complete, 1 when it is not yet, or -1 when it has failed. */
static int check_restart(const struct settings *settings, pid_t supervisor, long long before, struct error *error)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	pid_t pid;

	if (serve_is_running(settings->pid_file, &pid, error) != 1 || pid != supervisor)
		return error_set(error, ERROR_APPLICATION, "the supervisor (pid %d) ended", (int)supervisor);
	if (serve_status_read(settings->status_file, &status, error) < 0)
		return -1;
	if (status.state == SERVE_FAILED && status.generation > before)
		return error_set(error, ERROR_APPLICATION, "generation %lld failed to start: %s", status.generation, status.reason);
	return is_replaced(&status, before) ? 0 : 1;
}

/* The longest that a restart can take, when the supervisor has the options given here. */
static long long restart_limit(const struct settings *settings)
{
	long long delay = option_number(settings->options, OPT_KILL_OLD_DELAY);

	return 2 * (settings->ready_timeout + settings->interval + delay) + settings->kill_timeout + MARGIN_MS;
}

int control_restart(const struct settings *settings, struct error *error)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	long long deadline = time_monotonic() + restart_limit(settings);
	pid_t pid;

	int running = serve_is_running(settings->pid_file, &pid, error);
	if (running == 0)
		return error_set(error, ERROR_APPLICATION, "no supervisor holds the pid file %s", settings->pid_file);
	if (running < 0 || serve_status_read(settings->status_file, &status, error) < 0)
		return -1;
	long long before = newest_generation(&status);
	if (send_signal(settings, pid, SIGHUP, error))
		return -1;
	int result;
	while ((result = check_restart(settings, pid, before, error)) == 1) {
		if (time_monotonic() >= deadline)
			return error_set(error, ERROR_APPLICATION, "no generation after %lld serves alone yet", before);
		time_sleep(STEP_MS);
	}
	if (result == 0)
		log_info("Restarted");
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
