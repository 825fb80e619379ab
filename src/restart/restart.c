/* SPDX-License-Identifier: MIT */
#include "restart/restart.h"

#include "alloc.h"
#include "error.h"
#include "log.h"
#include "proc.h"
#include "restart/health.h"
#include "restart/settings.h"
#include "restart/supervisor.h"
#include "root/attempts.h"
#include "root/rejected.h"
#include "root/release.h"
#include "str.h"
#include "time.h"

#include <string.h>

enum { STEP_MS = 100, ASK_MS = 5000 };

/* Waits until the new server has been up for --settle, counted from its start: a supervisor that keeps the old generation
 * beside it for a while has waited already. Returns 0 or -1. */
static int settle(struct supervisor *supervisor, const struct serve_worker *worker, struct error *error)
{
	long long settled = option_number(supervisor->run->options, OPT_SETTLE), age = time_now() - proc_started_at(worker->pid);
	long long deadline = time_monotonic() + settled - (age < 0 ? 0 : age < settled ? age : settled);
	bool alone;

	for (;;) {
		if (supervisor_serves(supervisor, worker, &alone, error) <= 0)
			return -1;
		if (time_monotonic() >= deadline)
			return 0;
		time_sleep(STEP_MS);
	}
}

/* Waits until the older generations have ended, which listen on the same sockets: their answers say nothing of the new server.
 * One that takes longer than --start-timeout to finish is no longer waited for. Returns 0 or -1. */
static int wait_alone(struct supervisor *supervisor, const struct serve_worker *worker, struct error *error)
{
	long long deadline = time_monotonic() + option_number(supervisor->run->options, OPT_START_TIMEOUT);
	bool alone = false;

	for (;;) {
		if (supervisor_serves(supervisor, worker, &alone, error) <= 0)
			return -1;
		if (alone || time_monotonic() >= deadline)
			return 0;
		time_sleep(STEP_MS);
	}
}

/* Waits until the new server answers --health-url. Returns 0 or -1. */
static int wait_healthy(struct supervisor *supervisor, const struct serve_worker *worker, struct error *error)
{
	const char *url = option_string(supervisor->run->options, OPT_HEALTH_URL);
	const char *authorities = option_string(supervisor->run->options, OPT_CACERT);
	long long timeout = option_number(supervisor->run->options, OPT_HEALTH_TIMEOUT);
	bool alone;

	if (!url)
		return 0;
	if (wait_alone(supervisor, worker, error))
		return -1;
	for (long long deadline = time_monotonic() + timeout;;) {
		long long left = deadline - time_monotonic();
		if (health_ask(url, authorities, left < ASK_MS && left > 0 ? left : ASK_MS, error))
			return 0;
		if (left <= STEP_MS)
			break;
		time_sleep(STEP_MS);
		if (supervisor_serves(supervisor, worker, &alone, error) <= 0)
			return -1;
	}
	AUTO_BUF struct buf waited = {0};
	str_add_duration(&waited, timeout);
	return error_in(error, "%s did not become healthy in %s", json_string(supervisor->run->document, "release.version"),
			buf_text(&waited));
}

/* Starts what current leads to and proves that it serves. Returns 0 with its worker, or -1. */
static int prove(struct supervisor *supervisor, struct serve_worker *ret_worker, struct error *error)
{
	return supervisor_renew(supervisor, error) || supervisor_follow(supervisor, ret_worker, error) ||
			       settle(supervisor, ret_worker, error) || wait_healthy(supervisor, ret_worker, error)
		       ? -1
		       : 0;
}

static void tell_success(struct stage_run *run, const struct supervisor *supervisor, const struct serve_worker *worker)
{
	const char *version = json_string(run->document, "release.version");
	bool listens = *option_list(run->options, OPT_PORT) || *option_list(run->options, OPT_SOCKET_PATH) ||
		       (!supervisor->started && json_true(run->document, "deploy.reused")); /* nobody repeats the ports for a rollback */
	const char *action = supervisor->started ? "started" : "restarted";
	AUTO_BUF struct buf spent = {0};

	json_set_string(run->document, "restart.action", action);
	json_set_number(run->document, "restart.pid", worker->pid);
	json_set_number(run->document, "restart.generation", worker->generation);
	json_set_bool(run->document, "restart.healthy", true);
	document_set_state(run->document, STATE_RUNNING, NULL);
	document_notice(run->document, "restart", NOTICE_IMPORTANT, "Server %s for %s%s", action, version, listens ? "" : " without port");
	str_add_duration(&spent, document_spent(run->document) + time_monotonic() - run->started_at);
	if (!json_true(run->document, "deploy.reused"))
		document_notice(run->document, "restart", NOTICE_IMPORTANT, "Deployed %s in %s", version, buf_text(&spent));
}

/* Returns the name of the release to go back to; NULL when there is none but the one that failed, or when that one served before
 * and is not to blame. A run that takes up an interrupted one began with the release that failed: what that replaced, its record
 * knows, and "previous" becomes it. */
static const char *release_before(const struct stage_run *run, const char *current)
{
	AUTO_JSON cJSON *failed = release_record(run->root, current);
	const char *deployed = json_string(run->document, "deploy.path");

	if (document_state(failed) == STATE_RUNNING)
		return NULL;
	if (str_equal(json_string(run->document, "previous.path"), deployed) && json_get(failed, "previous"))
		json_set(run->document, "previous", xrequire(cJSON_Duplicate(json_get(failed, "previous"), true)));
	const char *path = json_string(run->document, "previous.path"), *slash = path ? strrchr(path, '/') : NULL;
	if (!slash || str_equal(path, deployed) || !release_is_name(slash + 1))
		return NULL;
	AUTO_JSON cJSON *before = release_record(run->root, slash + 1);
	return before ? slash + 1 : NULL;
}

/* True when the old generation never stopped and is surely of that release: an interrupted run may have left another one. */
static bool serves_on(struct supervisor *supervisor, const char *name)
{
	AUTO_JSON cJSON *record = release_record(supervisor->run->root, name);

	return document_state(record) == STATE_RUNNING && !json_true(supervisor->run->document, "deploy.reused") &&
	       supervisor_discarded(supervisor);
}

/* Makes the old release serve again. Returns 0 or -1. */
static int restore(struct supervisor *supervisor, struct error *error)
{
	struct serve_worker worker;

	if (supervisor->started)
		supervisor_stop(supervisor);
	return supervisor_renew(supervisor, error) || supervisor_follow(supervisor, &worker, error) ? -1 : 0;
}

/* Switches back to the release before, which is marked as running only once it serves. Returns 0 or -1. */
static int roll_back(struct stage_run *run, struct supervisor *supervisor, const char *name, const char *why, struct error *error)
{
	const char *before = json_string(run->document, "previous.version");
	bool serves = serves_on(supervisor, name);
	struct error unopened;
	AUTO_CLOSE int cache = root_open_cache(run->root, option_string(run->options, OPT_CACHE), NULL, &unopened);

	if (rejected_add(run->root, run->document, why, error) || rejected_accept(run->root, before, error) ||
	    release_mark(run->root, name, STATE_DEPLOYED, error) || release_switch(run->root, name, cache, error))
		return -1;
	log_info("Create symlink", "from", json_string(run->document, "previous.path"), "to", "current");
	if (!serves && restore(supervisor, error))
		return error_in(error, "rolled back to %s, but it does not serve", before);
	return release_mark(run->root, name, STATE_RUNNING, error);
}

static void tell_rollback(struct stage_run *run, const struct error *why)
{
	document_set_state(run->document, STATE_ROLLED_BACK, NULL);
	json_set_string(run->document, "error.stage", "restart");
	json_set_string(run->document, "error.code", error_word(why->code));
	json_set_string(run->document, "error.message", why->message);
	json_set_string(run->document, "error.hint", why->hint);
	json_set_bool(run->document, "restart.healthy", false);
	document_notice(run->document, "restart", NOTICE_IMPORTANT, "Rolled back to %s: %s",
			json_string(run->document, "previous.version"), why->message);
	log_error("Rolled back", "from", json_string(run->document, "release.version"), "to",
		  json_string(run->document, "previous.version"), "error", why->message, "hint", why->hint);
}

static void count_attempt(const struct stage_run *run)
{
	struct error error;

	if (attempts_add(run->root, json_string(run->document, "artifact.cache_key"), &error))
		log_warn("Cannot count the attempt", "error", error.message);
}

/* The new server did not prove itself: goes back to the release before when it is the release that is bad and there is one to
 * go back to, else leaves it for a later attempt. Returns 0 when it went back, or -1. */
static int recover(struct stage_run *run, struct supervisor *supervisor, const char *current, struct error *error)
{
	const char *name = release_before(run, current);
	struct error why = *error;

	if (!name || why.code != ERROR_APPLICATION) {
		if (supervisor->started)
			supervisor_stop(supervisor);
		count_attempt(run);
		return -1;
	}
	if (roll_back(run, supervisor, name, why.message, error))
		return -1;
	tell_rollback(run, &why);
	return 0;
}

static int step(struct stage_run *run, struct error *error)
{
	const char *path = json_string(run->document, "deploy.path");
	AUTO_SUPERVISOR struct supervisor supervisor = {0};
	struct serve_worker worker;
	char current[RELEASE_NAME];

	if (release_current(run->root, current, error) != 0 || !str_ends(path, current))
		return error_set(error, ERROR_SUPERSEDED, "current does not lead to %s any more", path);
	if (supervisor_find(&supervisor, run, error))
		return -1;
	if (prove(&supervisor, &worker, error))
		return recover(run, &supervisor, current, error);
	if (release_mark(run->root, current, STATE_RUNNING, error) || attempts_clear(run->root, error))
		return error_in(error, "%s serves, but that cannot be recorded", json_string(run->document, "release.version"));
	tell_success(run, &supervisor, &worker);
	return 0;
}

const struct stage restart_stage = {
	.tool = {"dewy-restart", "[-- COMMAND...]", "Start or gracefully restart the server, prove that it serves, and go back if it does not"},
	.name = "restart",
	.user = RESTART,
	.acts_on = 1u << STATE_DEPLOYED,
	.server_only = true,
	.takes_lock = true,
	.check = restart_check,
	.run = step,
};
