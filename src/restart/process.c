/* SPDX-License-Identifier: MIT */
/* A process that somebody else keeps running, and that a signal tells to renew itself. */
#include "alloc.h"
#include "error.h"
#include "log.h"
#include "plan.h"
#include "proc.h"
#include "restart/processes.h"
#include "restart/ready.h"
#include "time.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { STEP_MS = 50 };

static int find(struct server *server, struct error *error)
{
	struct processes *processes = server->own = xcalloc(1, sizeof *processes);

	processes->pid_file = option_string(server->run->options, OPT_PID_FILE);
	return restart_ready(server->run->options, server->run->root, error);
}

static int signal_of(const struct server *server)
{
	return proc_signal_number(option_string(server->run->options, OPT_SIGNAL));
}

static void plan(const struct server *server)
{
	struct processes *processes = server->own;
	struct error error;

	processes_read(processes, &error);
	plan_step(server->run->document, "send SIG%s to process %d of %s", proc_signal_name(signal_of(server)),
		  (int)processes->main, processes->pid_file);
	processes_plan(processes, server);
}

/* As processes_read; others may hold the lock of a pid file whose process has ended. */
static int find_running(struct processes *processes, struct error *error)
{
	int running = processes_read(processes, error);

	return running > 0 && proc_age(processes->main) < 0 ? 0 : running;
}

/* Waits until a process runs of the pid file, which whoever keeps it running may be about to start again. Returns 0 or -1. */
static int wait_running(struct server *server, struct error *error)
{
	struct processes *processes = server->own;
	long long deadline = server->renewed_at + option_number(server->run->options, OPT_START_TIMEOUT);
	int running;

	while ((running = find_running(processes, error)) == 0 && time_monotonic() < deadline)
		time_sleep(STEP_MS);
	if (running)
		return running < 0 ? -1 : 0;
	return error_set(error, ERROR_SUPERVISOR, "no process runs any more of the pid file %s", processes->pid_file);
}

/* Sends the signal to the process that runs. Returns 0; 1 when it has ended before that; or -1. */
static int tell(struct server *server, struct error *error)
{
	struct processes *processes = server->own;
	AUTO_FREE char *pid = xasprintf("%d", (int)processes->main);

	processes_remember(processes, server);
	log_info("Send signal for server restart", "signal", proc_signal_name(signal_of(server)), "pid", pid);
	if (kill(processes->main, signal_of(server)) == 0)
		return 0;
	if (errno == ESRCH)
		return 1;
	error_set(error, ERROR_SUPERVISOR, "cannot signal the process %s of the pid file %s: %s", pid, processes->pid_file,
		  strerror(errno));
	return error_hint(error, "run as the user that it runs as, or as root");
}

static int renew(struct server *server, struct error *error)
{
	for (;;) {
		if (wait_running(server, error))
			return -1;
		if (processes_began(server->own, server->renewed_at))
			return 0; /* it was started with what current leads to, and need not be told */
		int result = tell(server, error);
		if (result <= 0)
			return result;
	}
}

static int look(struct server *server, struct error *error)
{
	return processes_look(server->own, server, error);
}

static int serves(struct server *server, bool *ret_alone, struct error *error)
{
	return processes_serve(server->own, server, ret_alone, error);
}

const struct server_ops process_server = {
	.step_ms = STEP_MS,
	.find = find,
	.plan = plan,
	.renew = renew,
	.look = look,
	.serves = serves,
};
