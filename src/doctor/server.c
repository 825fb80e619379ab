/* SPDX-License-Identifier: MIT */
/* The supervisor, and the worker that serves. */
#include "doctor/process.h"
#include "doctor/units.h"

#include "alloc.h"
#include "proc.h"
#include "restart/health.h"
#include "root/release.h"
#include "serve/status.h"
#include "str.h"

enum { HEALTH_MS = 5000 };

static const char no_supervisor[] = "no supervisor runs";

static void miss_supervisor(const struct doctor *doctor, const char *pid_file, struct verdict *verdict)
{
	struct error error;

	if (doctor->kind == RESTART_UNIT) {
		verdict_skip(verdict, "%s: the server is the unit %s", no_supervisor, option_string(doctor->options, OPT_UNIT));
		return;
	}
	if (!doctor->server || !doctor_is_deployed(doctor)) {
		verdict_skip(verdict, "%s, and %s", no_supervisor,
			     doctor->server ? "nothing is deployed yet" : "the mode is not server");
		return;
	}
	error_set(&error, ERROR_APPLICATION, "%s: nobody holds %s", no_supervisor, pid_file);
	AUTO_FREE char *unit = unit_name(doctor, "dewy-serve@", "");
	error_hint(&error, "dewy once starts it%s%s; .dewy/serve.log or the journal says why it ended",
		   units_are_here() ? ", or systemctl start " : "", units_are_here() ? unit : "");
	verdict_fail(verdict, &error);
}

static void tell_state(const struct serve_status *status, struct verdict *verdict)
{
	struct error error;

	switch (status->state) {
	case SERVE_READY:
	case SERVE_UNKNOWN:
		if (status->count)
			verdict_ok(verdict, "generation %lld serves", serve_status_newest(status)->generation);
		break;
	case SERVE_STARTING:
		verdict_ok(verdict, "generation %lld is being started", status->generation);
		break;
	case SERVE_FAILED:
		error_set(&error, ERROR_APPLICATION, "generation %lld %s: %s", status->generation,
			  status->died.generation == status->generation ? "died" : "was discarded", status->reason);
		error_hint(&error, "read what the server printed, in .dewy/serve.log or the journal");
		verdict_warn(verdict, &error);
		break;
	case SERVE_STATE_COUNT:
		break;
	case SERVE_STOPPING:
		error_set(&error, ERROR_APPLICATION, "the supervisor was told to end");
		error_hint(&error, "dewy once starts it again");
		verdict_warn(verdict, &error);
		break;
	}
}

/* Reads the status file. Returns whether it says anything. */
static bool read_status(const struct doctor *doctor, struct serve_status *ret, struct error *error)
{
	AUTO_FREE char *path = serve_status_file(doctor->options, &doctor->root);

	*ret = (struct serve_status){0};
	int result = serve_status_read(path, ret, error);
	if (result > 0) {
		error_set(error, ERROR_APPLICATION, "there is no status file %s", path);
		error_hint(error, "give --status-file to the supervisor, and the same one to dewy");
	}
	return result == 0;
}

void doctor_supervisor(struct doctor *doctor, struct verdict *verdict)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	struct error error;

	bool others = doctor->kind == RESTART_PROCESS || doctor->kind == RESTART_COMMAND;
	if (!doctor->rooted || others) {
		verdict_skip(verdict, others ? "others keep the server running" : "there is no root to look into");
		return;
	}
	AUTO_FREE char *pid_file = serve_pid_file(doctor->options, &doctor->root);
	int running = serve_is_running(pid_file, &doctor->supervisor, &error);
	if (running < 0)
		verdict_fail(verdict, &error);
	else if (!running)
		miss_supervisor(doctor, pid_file, verdict);
	if (running <= 0) {
		doctor->supervisor = 0;
		return;
	}
	verdict_ok(verdict, "process %d", (int)doctor->supervisor);
	if (read_status(doctor, &status, &error))
		tell_state(&status, verdict);
	else
		verdict_warn(verdict, &error);
}

/* Compares the release that a worker runs out of with the one that current leads to. */
static void look_at_worker(const struct doctor *doctor, pid_t pid, struct verdict *verdict)
{
	char current[RELEASE_NAME], name[RELEASE_NAME];
	const char *runs = release_of_process(&doctor->root, pid, name);
	struct error error;

	if (!runs)
		verdict_ok(verdict, "process %d lives; which release it is of cannot be told%s", (int)pid,
			   process_is_hidden(pid) ? " by this user, who may not look at it" : ": its program lies elsewhere");
	else if (release_current(&doctor->root, current, &error) == 0 && str_equal(runs, current))
		verdict_ok(verdict, "process %d runs out of releases/%s, as current does", (int)pid, runs);
	else if (doctor->locked)
		verdict_ok(verdict, "process %d runs out of releases/%s; a run is under way", (int)pid, runs);
	else {
		error_set(&error, ERROR_APPLICATION, "process %d runs out of releases/%s, and current leads elsewhere", (int)pid,
			  runs);
		error_hint(&error, "restart the server: dewy-serve --restart, or dewy once --force");
		verdict_warn(verdict, &error);
	}
}

void doctor_worker(struct doctor *doctor, struct verdict *verdict)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	struct error error;

	if (!doctor->supervisor || !read_status(doctor, &status, &error) || !status.count) {
		verdict_skip(verdict, "%s", doctor->supervisor ? "the supervisor tells of none" : no_supervisor);
		return;
	}
	pid_t pid = serve_status_newest(&status)->pid;
	if (proc_started_at(pid) >= 0) {
		look_at_worker(doctor, pid, verdict);
		return;
	}
	error_set(&error, ERROR_APPLICATION, "the worker %d has ended", (int)pid);
	error_hint(&error, "the supervisor starts it again; .dewy/serve.log or the journal says why it ended");
	verdict_warn(verdict, &error);
}

void doctor_health(struct doctor *doctor, struct verdict *verdict)
{
	AUTO_TARGET struct target target = {0};
	struct error error;

	if (!doctor->server || target_find(&target, doctor->options, doctor->rooted ? doctor->root.path : "", &error)) {
		verdict_skip(verdict, doctor->server ? "the options do not say where: see restart" : "the mode is not server");
		return;
	}
	if (!target.url || !doctor_is_deployed(doctor)) {
		verdict_skip(verdict, target.url ? "nothing is deployed yet" : "no --health-url and no --health-path is given");
		return;
	}
	if (health_ask(&target, option_string(doctor->options, OPT_CACERT), HEALTH_MS, &error)) {
		verdict_ok(verdict, "the server answers");
		return;
	}
	error_hint(&error, "read what the server printed, in .dewy/serve.log or the journal, and check where health is asked for");
	verdict_fail(verdict, &error);
}
