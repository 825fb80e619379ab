/* SPDX-License-Identifier: MIT */
/* A unit of systemd, which is reloaded where it can be, and restarted else. */
#include "alloc.h"
#include "error.h"
#include "log.h"
#include "plan.h"
#include "proc.h"
#include "restart/generations.h"
#include "restart/processes.h"
#include "restart/systemctl.h"
#include "str.h"
#include "time.h"

enum { STEP_MS = 200 };

struct unit {
	const char *name;
	struct unit_state before, now;
	bool reloads;    /* it was reloaded, and not restarted */
	bool tried;      /* this run has restarted it before */
	bool supervises; /* its main process is the supervisor of the pid file */
	struct generations generations;
	struct processes processes;
};

static bool is_up(const struct unit *unit)
{
	return str_equal(unit->now.active, "active") && str_equal(unit->now.sub, "running");
}

static bool has_failed(const struct unit *unit)
{
	return str_equal(unit->now.active, "failed") || str_equal(unit->now.active, "inactive");
}

/* True when systemd itself has started the new server again. The first start after a reload is that of the new server: what ended
 * then is the process that was told, with the old one. */
static bool began_anew(const struct unit *unit)
{
	return unit->now.restarts > unit->before.restarts + (unit->reloads && !unit->supervises);
}

/* Returns -1 with what systemd says of a unit that does not run, or not any more. */
static int explain(const struct server *server, const char *what, struct error *error)
{
	const struct unit *unit = server->own;

	if (is_up(unit) && began_anew(unit))
		error_set(error, ERROR_APPLICATION, "%s %s: %s ended, and systemd has started it again, NRestarts=%lld",
			  server_version(server), what, unit->name, unit->now.restarts);
	else
		error_set(error, ERROR_APPLICATION, "%s %s: %s is %s (%s), Result=%s, ExecMainStatus=%lld", server_version(server),
			  what, unit->name, unit->now.active, unit->now.sub, unit->now.result, unit->now.status);
	return error_hint(error, "see journalctl -u %s", unit->name);
}

static int look_closer(struct unit *unit, struct error *error)
{
	if (systemctl_find(unit->name, &unit->now, error))
		return -1;
	unit->reloads = unit->now.can_reload && str_equal(unit->now.active, "active");
	int running = generations_running(&unit->generations, error);
	unit->supervises = unit->reloads && running > 0 && unit->generations.supervisor == unit->now.main_pid;
	return running < 0 ? -1 : 0;
}

static int find(struct server *server, struct error *error)
{
	struct unit *unit = server->own = xcalloc(1, sizeof *unit);

	unit->name = option_string(server->run->options, OPT_UNIT);
	return generations_find(&unit->generations, server->run, error) || look_closer(unit, error) ? -1 : 0;
}

static void plan(const struct server *server)
{
	const struct unit *unit = server->own;
	const char *invocation = unit->now.invocation;

	plan_step(server->run->document, "systemctl %s %s", unit->reloads ? "reload" : "restart", unit->name);
	if (unit->supervises)
		generations_plan(&unit->generations, server);
	else if (unit->reloads)
		server_expect(server, "a process of %s that began after that", unit->name);
	else
		server_expect(server, "%s to be active and running, with %s%s", unit->name,
			      *invocation ? "another InvocationID than " : "an InvocationID", invocation);
}

static int reload(struct server *server, struct error *error)
{
	struct unit *unit = server->own;
	long long timeout = option_number(server->run->options, OPT_START_TIMEOUT);

	server->action = "reloaded";
	unit->processes.main = unit->now.main_pid;
	processes_remember(&unit->processes, server);
	if (unit->supervises)
		generations_ask(&unit->generations);
	log_info("Reload unit", "unit", unit->name);
	return systemctl_do("reload", unit->name, timeout, error);
}

/* Makes a unit that systemd tries to start again and again come to rest, and gives it back the starts that it has used up: tries of
 * a release that ends at once are not to count against the next one. */
static void calm(struct server *server)
{
	struct unit *unit = server->own;
	long long timeout = option_number(server->run->options, OPT_START_TIMEOUT);
	bool rests = is_up(unit) && !unit->tried;
	struct error error;

	if ((!rests && systemctl_do("stop", unit->name, timeout, &error)) ||
	    systemctl_do("reset-failed", unit->name, timeout, &error))
		log_debug("Cannot bring the unit to rest", "error", error.message);
	unit->tried = true;
}

static int restart(struct server *server, struct error *error)
{
	struct unit *unit = server->own;
	bool active = str_equal(unit->now.active, "active");

	server->action = active ? "restarted" : "started";
	calm(server);
	if (systemctl_show(unit->name, &unit->before, error))
		return -1;
	log_info(active ? "Restart unit" : "Start unit", "unit", unit->name);
	return systemctl_do("restart", unit->name, option_number(server->run->options, OPT_START_TIMEOUT), error);
}

static int renew(struct server *server, struct error *error)
{
	struct unit *unit = server->own;

	if (look_closer(unit, error))
		return -1;
	unit->before = unit->now;
	server->patience = unit->supervises ? generations_patience(&unit->generations, server->run->options) : 0;
	if ((unit->reloads ? reload : restart)(server, error) == 0)
		return 0;
	struct error why = *error, unseen;
	if (why.code == ERROR_APPLICATION && unit->supervises)
		return 0; /* its status file says it better */
	if (systemctl_show(unit->name, &unit->now, &unseen))
		return -1;
	if (unit->reloads && !unit->supervises && unit->now.main_pid != unit->before.main_pid)
		return 0; /* the process that was told has ended, on that or before: what follows it is to be seen */
	if (why.code != ERROR_APPLICATION)
		return -1;
	explain(server, "did not start", error);
	return unit->reloads ? error_in(error, "%s", why.message) : -1;
}

/* A server that takes a release in without a new process can only be asked. Returns 0 with its main process when it will be, 1
 * while that may still be premature, or -1. */
static int believe(struct server *server, struct error *error)
{
	struct unit *unit = server->own;
	const struct options *options = server->run->options;
	long long waited = time_monotonic() - server->renewed_at;

	if (!option_given(options, OPT_HEALTH_URL) && !option_given(options, OPT_HEALTH_PATH)) {
		if (waited < option_number(options, OPT_START_TIMEOUT))
			return 1;
		error_set(error, ERROR_SUPERVISOR,
			  "%s was reloaded, but no process of it began after that, so that nothing shows that it runs %s",
			  unit->name, server_version(server));
		return error_hint(
			error, "give --health-url, or let the unit be restarted: without ExecReload, or with a --restart-command");
	}
	if (waited < option_number(options, OPT_SETTLE))
		return 1;
	server->worker.pid = unit->now.main_pid;
	return 0;
}

static int look_at_reloaded(struct server *server, struct error *error)
{
	struct unit *unit = server->own;

	if (unit->supervises)
		return generations_look(&unit->generations, server, error);
	unit->processes.main = unit->now.main_pid;
	int result = processes_look(&unit->processes, server, error);
	return result > 0 ? believe(server, error) : result;
}

static int look(struct server *server, struct error *error)
{
	struct unit *unit = server->own;

	if (systemctl_show(unit->name, &unit->now, error))
		return -1;
	if (began_anew(unit) || has_failed(unit))
		return explain(server, "did not start", error);
	if (unit->reloads && is_up(unit))
		return look_at_reloaded(server, error);
	if (!unit->reloads && is_up(unit) && !str_equal(unit->now.invocation, unit->before.invocation)) {
		server->worker.pid = unit->now.main_pid;
		return 0;
	}
	explain(server, "is not up", error);
	return 1;
}

/* The process that was told to reload may end, and systemd start another one in its place. */
static int serves_reloaded(struct server *server, bool *ret_alone, struct error *error)
{
	struct unit *unit = server->own;
	bool stopped = began_anew(unit) || has_failed(unit);

	unit->processes.main = str_equal(unit->now.active, "activating") ? 0 : unit->now.main_pid;
	int result = stopped ? 0 : processes_serve(&unit->processes, server, ret_alone, error);
	if (result == 0 && (stopped || !is_up(unit)))
		explain(server, "stopped again", error);
	return result;
}

static int serves(struct server *server, bool *ret_alone, struct error *error)
{
	struct unit *unit = server->own;
	struct unit_state up = unit->now;

	*ret_alone = true;
	if (unit->supervises)
		return generations_serve(&unit->generations, server, ret_alone, error);
	if (systemctl_show(unit->name, &unit->now, error))
		return -1;
	if (unit->reloads)
		return serves_reloaded(server, ret_alone, error);
	if (is_up(unit) && str_equal(unit->now.invocation, up.invocation) && !began_anew(unit))
		return 1;
	explain(server, "stopped again", error);
	return 0;
}

static void abandon(struct server *server)
{
	struct unit *unit = server->own;

	if (unit->supervises)
		generations_abandon(&unit->generations, option_number(server->run->options, OPT_KILL_TIMEOUT));
}

static bool kept(struct server *server)
{
	struct unit *unit = server->own;

	return unit->supervises && generations_kept(&unit->generations, server);
}

static void describe(const struct server *server, cJSON *document)
{
	const struct unit *unit = server->own;

	json_set_string(document, "restart.unit", unit->name);
	json_set_string(document, "restart.invocation", unit->now.invocation);
}

static void forget(struct server *server)
{
	struct unit *unit = server->own;

	generations_free(&unit->generations);
}

const struct server_ops unit_server = {
	.step_ms = STEP_MS,
	.find = find,
	.plan = plan,
	.renew = renew,
	.look = look,
	.serves = serves,
	.abandon = abandon,
	.kept = kept,
	.describe = describe,
	.forget = forget,
};
