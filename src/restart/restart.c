/* SPDX-License-Identifier: MIT */
#include "restart/restart.h"

#include "alloc.h"
#include "error.h"
#include "log.h"
#include "plan.h"
#include "restart/proof.h"
#include "restart/settings.h"
#include "root/attempts.h"
#include "root/floor.h"
#include "root/history_chain.h"
#include "root/rejected.h"
#include "root/release.h"
#include "root/retained.h"
#include "str.h"
#include "time.h"

#include <string.h>

/* True when the server listens on something, as far as is known. */
static bool listens(const struct server *server)
{
	const struct stage_run *run = server->run;

	return restart_kind(run->options) != RESTART_SUPERVISOR || *option_list(run->options, OPT_PORT) ||
	       *option_list(run->options, OPT_SOCKET_PATH) ||
	       (!server->started && json_true(run->document, "deploy.reused")); /* nobody repeats the ports for a rollback */
}

static void describe(const struct server *server, cJSON *document)
{
	json_set_string(document, "restart.kind", restart_kind_words[restart_kind(server->run->options)]);
	json_set_string(document, "restart.action", server->action);
	if (server->worker.pid)
		json_set_number(document, "restart.pid", server->worker.pid);
	if (server->worker.generation)
		json_set_number(document, "restart.generation", server->worker.generation);
	json_set_bool(document, "restart.healthy", true);
	if (server->ops->describe)
		server->ops->describe(server, document);
}

static void tell_success(struct stage_run *run, const struct server *server)
{
	const char *version = server_version(server);
	AUTO_BUF struct buf spent = {0};

	describe(server, run->document);
	document_set_state(run->document, STATE_RUNNING, NULL);
	document_notice(run->document, "restart", NOTICE_IMPORTANT, "Server %s for %s%s", server->action, version,
			listens(server) ? "" : " without port");
	str_add_duration(&spent, document_spent(run->document) + time_monotonic() - run->started_at);
	if (!json_true(run->document, "deploy.reused"))
		document_notice(run->document, "restart", NOTICE_IMPORTANT, "Deployed %s in %s", version, buf_text(&spent));
}

/* Makes the release that served last the previous one, in place of the one with the name, which never did. Returns its name; NULL,
 * and changes nothing, when none is known but the one that failed. */
static const char *find_served(const struct stage_run *run, const char *name, const char *failed)
{
	AUTO_FREE char(*names)[RELEASE_NAME] = NULL;
	struct error unread;
	int count = release_list(run->root, &names, &unread), at = retained_find_served(run->root, names, count, name);

	if (at < 0 || str_equal(names[at], failed))
		return NULL;
	AUTO_JSON cJSON *record = release_record(run->root, names[at]);
	AUTO_FREE char *path = release_path(run->root, names[at]);
	json_set_string(run->document, "previous.version", json_string(record, "release.version"));
	json_set_string(run->document, "previous.cache_key", json_string(record, "artifact.cache_key"));
	json_set_string(run->document, "previous.path", path);
	return strrchr(json_string(run->document, "previous.path"), '/') + 1;
}

/* Returns the name of the release to go back to: the one before, or when that never served, the one that served last, if there is
 * one. NULL when there is none but the one that failed, or an earlier upload of it that never served; when the one that failed
 * served before and is not to blame; or with --no-rollback. A run that takes up an interrupted one began with the release that
 * failed: what that replaced, its record knows, and "previous" becomes it. */
static const char *release_before(const struct stage_run *run, const char *current)
{
	AUTO_JSON cJSON *failed = release_record(run->root, current);
	const char *deployed = json_string(run->document, "deploy.path");

	bool taken_up = str_equal(json_string(run->document, "previous.path"), deployed);
	if (option_flag(run->options, OPT_NO_ROLLBACK) || document_state(failed) == STATE_RUNNING ||
	    (taken_up && json_true(failed, "served")))
		return NULL;
	if (taken_up && json_get(failed, "previous"))
		json_set(run->document, "previous", xrequire(cJSON_Duplicate(json_get(failed, "previous"), true)));
	const char *path = json_string(run->document, "previous.path"), *slash = path ? strrchr(path, '/') : NULL;
	if (!slash || !release_is_name(slash + 1))
		return NULL;
	AUTO_FREE char *now = release_path(run->root, slash + 1); /* the record may be from before ROOT was moved */
	json_set_string(run->document, "previous.path", now);
	if (str_equal(now, deployed))
		return NULL;
	const char *name = strrchr(json_string(run->document, "previous.path"), '/') + 1;
	AUTO_JSON cJSON *before = release_record(run->root, name);
	if (!before || json_true(before, "served"))
		return before ? name : NULL;
	const char *served = find_served(run, name, current);
	if (served)
		return served;
	bool same = str_equal(json_string(before, "artifact.cache_key"), json_string(failed, "artifact.cache_key"));
	return same ? NULL : name;
}

/* True when what served before this run is surely of that release: an interrupted run may have left another one, and so may one
 * that ended with a release between the two. */
static bool served(const struct stage_run *run, const char *name)
{
	const char *deployed = strrchr(json_string(run->document, "deploy.path"), '/') + 1;
	AUTO_JSON cJSON *record = release_record(run->root, name), *failed = release_record(run->root, deployed);
	struct retained replaced = retained_describe(deployed, failed);

	return document_state(record) == STATE_RUNNING && !json_true(run->document, "deploy.reused") &&
	       str_equal(replaced.before, name);
}

/* Returns a document that is about the release to go back to, as far as a server and its messages need it; the caller deletes
 * it. */
static cJSON *restored_document(const struct stage_run *run, const char *name)
{
	static const char *const sections[] = {"release", "artifact"};
	AUTO_JSON cJSON *record = release_record(run->root, name);
	cJSON *document = xrequire(cJSON_Duplicate(run->document, true));

	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
		json_set(document, sections[i], xrequire(cJSON_Duplicate(json_get(record, sections[i]), true)));
	json_set_string(document, "deploy.path", json_string(run->document, "previous.path"));
	json_set_string(document, "previous.version", json_string(run->document, "release.version"));
	return document;
}

/* Makes the old release serve again, and asks of it what was asked of the new one; nothing when its server never stopped, as far as
 * that is to be believed, but to go on. Returns 0 or -1. */
static int restore(struct server *server, bool may_be_kept, struct error *error)
{
	if (server->started)
		server->ops->stop(server);
	else if (server->ops->abandon)
		server->ops->abandon(server);
	if (!server->started && may_be_kept && server->ops->kept && server->ops->kept(server))
		return proof_kept(server, error);
	return proof_renew(server, error);
}

static void count_attempt(const struct stage_run *run)
{
	struct error error;

	if (attempts_add(run->root, json_string(run->document, "artifact.cache_key"), &error))
		log_warn("Cannot count the attempt", "error", error.message);
}

/* Switches back to the release before, which is marked as running only once it serves. Returns 0 or -1. */
static int roll_back(struct stage_run *run, struct server *server, const char *name, const char *why, struct error *error)
{
	const char *before = json_string(run->document, "previous.version");
	bool may_be_kept = served(run, name);
	AUTO_JSON cJSON *document = restored_document(run, name);
	struct stage_run restored = {run->options, run->root, document, run->started_at};
	struct error unopened;
	AUTO_CLOSE int cache = root_open_cache(run->root, option_string(run->options, OPT_CACHE), NULL, &unopened);

	/* in this order: both may be artifacts of one version */
	if (rejected_accept(run->root, before, json_string(run->document, "previous.cache_key"),
			    json_string(run->document, "release.calver"), error) ||
	    rejected_add(run->root, run->document, why, error) ||
	    release_mark(run->root, name, STATE_DEPLOYED, error) || release_switch(run->root, name, cache, error))
		return -1;
	log_info("Create symlink", "from", json_string(run->document, "previous.path"), "to", "current");
	server->run = &restored;
	int failed = restore(server, may_be_kept, error);
	if (failed)
		count_attempt(&restored);
	server->run = run;
	return failed ? error_in(error, "rolled back to %s, but it does not serve", before)
		      : release_mark(run->root, name, STATE_RUNNING, error);
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

/* The new server did not prove itself: goes back to the release before when it is the release that is bad and there is one to
 * go back to, else leaves it for a later attempt. Returns 0 when it went back, or -1. */
static int recover(struct stage_run *run, struct server *server, const char *current, struct error *error)
{
	const char *name = release_before(run, current);
	struct error why = *error;

	if (!name || why.code != ERROR_APPLICATION) {
		if (server->started)
			server->ops->stop(server);
		count_attempt(run);
		return -1;
	}
	if (roll_back(run, server, name, why.message, error))
		return -1;
	tell_rollback(run, &why);
	return 0;
}

/* Finds the name of the release that current leads to, which has to be the one that the document is about. Returns 0 or -1. */
static int check_current(const struct stage_run *run, char current[RELEASE_NAME], struct error *error)
{
	const char *path = json_string(run->document, "deploy.path"), *version = json_string(run->document, "release.version");

	if (release_current(run->root, current, error) != 0 || !str_ends(path, current))
		return error_set(error, ERROR_SUPERSEDED, "current does not lead to %s any more", path);
	AUTO_JSON cJSON *record = release_record(run->root, current);
	if (record && !str_equal(json_string(record, "release.version"), version))
		return error_set(error, ERROR_DOCUMENT, "the document is about %s, and current leads to %s", version,
				 json_string(record, "release.version"));
	return 0;
}

static int step(struct stage_run *run, struct error *error)
{
	AUTO_SERVER struct server server = {0};
	char current[RELEASE_NAME];

	if (check_current(run, current, error))
		return -1;
	if (server_open(&server, run, error)) {
		count_attempt(run);
		return -1;
	}
	if (proof_renew(&server, error))
		return recover(run, &server, current, error);
	floor_raise(run->root, run->document); /* first: a release that is not marked is proved again, one that is marked is not */
	if (release_mark(run->root, current, STATE_RUNNING, error) || attempts_clear(run->root, error))
		return error_in(error, "%s serves, but that cannot be recorded", json_string(run->document, "release.version"));
	tell_success(run, &server);
	return 0;
}

static int plan(struct stage_run *run, struct error *error)
{
	const char *version = json_string(run->document, "release.version"),
		   *before = json_string(run->document, "previous.version");
	AUTO_SERVER struct server server = {0};

	if (server_open(&server, run, error) || proof_plan(&server, error))
		return -1;
	if (!option_flag(run->options, OPT_NO_ROLLBACK) && before && !str_equal(before, version))
		plan_step(run->document, "else go back to %s, and ask the same of it", before);
	else
		plan_step(run->document, "else leave %s in place, and try again later", version);
	return 0;
}

const struct stage restart_stage = {
	.tool = {"dewy-restart", "[-- COMMAND...]",
		 "Start or gracefully restart the server, prove that it serves, and go back if it does not"},
	.name = "restart",
	.user = RESTART,
	.acts_on = 1u << STATE_DEPLOYED,
	.plans_on = 1u << STATE_AVAILABLE | 1u << STATE_FETCHED | 1u << STATE_DEPLOYED,
	.server_only = true,
	.takes_lock = true,
	.record = history_append,
	.check = restart_check,
	.run = step,
	.plan = plan,
};
