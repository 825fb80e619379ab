/* SPDX-License-Identifier: MIT */
/* How the server is told to run a new release, and whether that could be done and proved. */
#include "doctor/process.h"
#include "doctor/units.h"

#include "alloc.h"
#include "proc.h"
#include "restart/ready.h"
#include "serve/status.h"

#include <errno.h>
#include <signal.h>

static void look_at_unit(const struct doctor *doctor, struct verdict *verdict)
{
	const char *name = option_string(doctor->options, OPT_UNIT);
	struct unit_state unit;
	struct error error;

	if (systemctl_find(name, &unit, &error)) {
		verdict_fail(verdict, &error);
		return;
	}
	if (doctor_is_deployed(doctor) || unit.main_pid)
		unit_tell(doctor, name, &unit, verdict);
	else
		verdict_ok(verdict, "%s is %s (%s): nothing is deployed yet", name, unit.active, unit.sub);
	verdict_ok(verdict, unit.can_reload ? "a release is taken in by a reload"
					    : "it cannot be reloaded: a release is taken in by a restart");
}

/* Fails when this user may not signal the process. */
static void look_at_right(pid_t pid, struct verdict *verdict)
{
	struct error error;

	if (kill(pid, 0) == 0)
		return;
	error_errno(&error, errno, "cannot signal the process %d", (int)pid);
	error.code = ERROR_SUPERVISOR;
	error_hint(&error, "run as the user that it runs as, or as root");
	verdict_fail(verdict, &error);
}

/* Warns of a server that does not take the signal. One that is meant to end it is for whoever starts it again. */
static void look_at_reaction(const struct doctor *doctor, pid_t pid, const char *name, struct verdict *verdict)
{
	const char *signal = option_string(doctor->options, OPT_SIGNAL);
	int number = proc_signal_number(signal);
	enum process_reaction reaction = process_reaction(pid, number);
	struct error error;

	if (reaction == REACTION_TAKES || number == SIGTERM || number == SIGINT || number == SIGQUIT || number == SIGKILL)
		return;
	error_set(&error, ERROR_CONFIG, "process %d (%s) %s %s", (int)pid, name,
		  reaction == REACTION_IGNORES ? "ignores the signal" : "does not catch, and is ended by, the signal", signal);
	error_hint(&error, "give the --signal at which the server takes over a release");
	verdict_warn(verdict, &error);
}

static void tell_process(const struct doctor *doctor, struct verdict *verdict)
{
	const char *pid_file = option_string(doctor->options, OPT_PID_FILE);
	pid_t pid = 0;
	struct error error;
	int running = serve_is_running(pid_file, &pid, &error);

	if (running < 0)
		verdict_fail(verdict, &error);
	else if (!running)
		verdict_ok(verdict, "no process runs of %s yet", pid_file);
	if (running <= 0)
		return;
	AUTO_FREE char *name = process_describe(pid);
	verdict_ok(verdict, "process %d (%s) of %s", (int)pid, name, pid_file);
	if (doctor->kind == RESTART_PROCESS) {
		look_at_right(pid, verdict);
		look_at_reaction(doctor, pid, name, verdict);
	}
}

static void look_at_process(const struct doctor *doctor, struct verdict *verdict)
{
	struct error error;

	if (restart_ready(doctor->options, &doctor->root, &error)) {
		verdict_fail(verdict, &error);
		return;
	}
	tell_process(doctor, verdict);
	verdict_ok(verdict, "a release is taken in by the signal %s", option_string(doctor->options, OPT_SIGNAL));
}

static void look_at_command(const struct doctor *doctor, struct verdict *verdict)
{
	const struct options *options = doctor->options;
	bool asked = option_given(options, OPT_HEALTH_URL) || option_given(options, OPT_HEALTH_PATH);

	verdict_ok(verdict, "a release is taken in by a command, which was not run; %s shows that it was",
		   asked ? "a health check" : "a new process");
	if (option_given(options, OPT_PID_FILE))
		tell_process(doctor, verdict);
}

void doctor_restart(struct doctor *doctor, struct verdict *verdict)
{
	struct error error;

	if (doctor->server ? restart_check(doctor->options, &error) : restart_check_kind(doctor->options, "assets", &error))
		verdict_fail(verdict, &error);
	else if (!doctor->server || !doctor->rooted)
		verdict_skip(verdict, doctor->server ? "there is no root to look into" : "the mode is not server");
	else if (doctor->kind == RESTART_UNIT)
		look_at_unit(doctor, verdict);
	else if (doctor->kind == RESTART_PROCESS)
		look_at_process(doctor, verdict);
	else if (doctor->kind == RESTART_COMMAND)
		look_at_command(doctor, verdict);
	else
		verdict_ok(verdict, "a release is taken in by a supervisor");
}
