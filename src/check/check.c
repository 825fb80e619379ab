/* SPDX-License-Identifier: MIT */
#include "check/check.h"

#include "alloc.h"
#include "buf.h"
#include "check/describe.h"
#include "check/downgrade.h"
#include "check/memory.h"
#include "check/origin.h"
#include "check/stale.h"
#include "error.h"
#include "log.h"
#include "registry/registry.h"
#include "restart/settings.h"
#include "root/attempts.h"
#include "root/rejected.h"
#include "root/release.h"
#include "serve/status.h"
#include "str.h"
#include "time.h"

struct check {
	const struct options *options;
	const struct root *root;
	cJSON *document;
	struct registry registry;
	const char *url; /* of the registry */
	const char *calver;
	cJSON *record;                   /* of the deployed release, NULL when there is none */
	const char *version, *cache_key; /* of the deployed release; they belong to record */
	const char *down;                /* why there is something to do for it, whatever the registry says; NULL for nothing */
	const cJSON *rejected;           /* what is not to be deployed again; belongs to ask_registry */
	bool forced;
};

#define AUTO_CHECK AUTO(free_check)

static void free_check(struct check *check)
{
	registry_close(&check->registry);
	cJSON_Delete(check->record);
}

static int read_options(struct check *check, struct error *error)
{
	check->url = option_string(check->options, OPT_REGISTRY);
	check->calver = option_string(check->options, OPT_CALVER);
	check->forced = option_flag(check->options, OPT_FORCE);
	if (restart_check_kind(check->options, restart_mode(check->options), error) ||
	    origin_open(check->options, check->root, &check->registry, error))
		return -1;
	json_set_string(check->document, "registry", check->url);
	if (check->forced)
		json_set_bool(check->document, "forced", true);
	return 0;
}

/* Looks at what current leads to. */
static int read_deployed(struct check *check, struct error *error)
{
	char name[RELEASE_NAME];
	int result = release_current(check->root, name, error);

	if (result)
		return result < 0 ? -1 : 0;
	AUTO_FREE char *path = release_path(check->root, name);
	check->record = release_record(check->root, name);
	check->version = json_string(check->record, "release.version");
	check->cache_key = json_string(check->record, "artifact.cache_key");
	json_set_string(check->document, "previous.path", path);
	json_set_string(check->document, "previous.version", check->version);
	json_set_string(check->document, "previous.cache_key", check->cache_key);
	return 0;
}

/* Finds out whether there is something to do for the deployed release: a run was interrupted after the switch of current, or
 * before the new server had proved itself, or no server runs. Returns 0 or -1. */
static int look_at_server(struct check *check, struct error *error)
{
	pid_t pid;

	if (!check->version || !check->cache_key)
		return 0;
	if (release_is_unfinished(check->record))
		check->down = "deployment not finished";
	if (!str_equal(json_string(check->document, "mode"), "server"))
		return 0;
	AUTO_FREE char *pid_file = serve_pid_file(check->options, check->root);
	bool ours = restart_kind(check->options) == RESTART_SUPERVISOR; /* any other is somebody else's to keep running */
	int running = ours ? serve_is_running(pid_file, &pid, error) : 1;
	if (!running)
		check->down = "server not running";
	else if (!check->down && document_state(check->record) != STATE_RUNNING)
		check->down = "server not restarted";
	return running < 0 ? -1 : 0;
}

static int stay(const struct check *check, const char *version, const char *reason)
{
	document_set_state(check->document, STATE_UNCHANGED, reason);
	log_debug("Deploy skipped", "version", version);
	return 0;
}

static int offer(const struct check *check, const char *version, const char *reason)
{
	document_set_state(check->document, STATE_AVAILABLE, reason);
	if (check->version)
		document_notice(check->document, "check", NOTICE_PROGRESS, "Deploying %s (now %s)", version, check->version);
	else
		document_notice(check->document, "check", NOTICE_PROGRESS, "Deploying %s", version);
	return 0;
}

/* True when what does not start has never done so, and the registry has something else under its name by now. */
static bool was_replaced(const struct check *check, const struct artifact *artifact)
{
	return check->down && !json_true(check->record, "served") &&
	       artifact_differs(artifact, json_get(check->record, "artifact"));
}

static int decide(const struct check *check, const struct choice *choice, const struct artifact *artifact, struct error *error)
{
	const char *version = choice->release.version;
	bool same = str_equal(json_string(check->document, "artifact.cache_key"), check->cache_key);
	bool guarded = !same && option_flag(check->options, OPT_NO_DOWNGRADE);
	bool older = !same && downgrade_is_older(choice, check->calver, check->version);
	AUTO_FREE char *refusal = NULL;

	int refused = guarded ? downgrade_refuse(check->root, choice, check->calver, check->version, &refusal, error) : 0;
	if (refused == 0 && !same)
		refused = downgrade_is_held(choice, check->rejected, check->calver, check->version, &refusal);
	if (refused)
		return refused < 0 ? -1 : stay(check, version, refusal);
	if (older)
		log_warn("Following the registry to an older version", "version", version, "deployed", check->version);
	if (check->forced)
		return offer(check, version, "forced");
	if (!same)
		return offer(check, version,
			     rejected_find(check->rejected, version) ? "published again"
			     : older                              ? "older version"
			     : str_equal(version, check->version) ? "another artifact"
								  : "new version");
	if (was_replaced(check, artifact))
		return offer(check, version, "published again");
	AUTO_FREE char *rejected = choice->rejected ? xasprintf("up to date; %s is rejected", choice->rejected) : NULL;
	return stay(check, version, rejected ? rejected : "up to date");
}

/* A release is published before its artifacts are: that is an error only when it lasts. */
static int wait_for_artifact(const struct check *check, const struct release *release, struct error *missing)
{
	long long grace = option_number(check->options, OPT_GRACE_PERIOD), age = time_now() / 1000 - release->published_at;
	AUTO_BUF struct buf text = {0};

	/* clocks differ, but a time that is far ahead is none */
	if (!release->published_at || age >= grace / 1000 || age < -grace / 1000)
		return -1;
	str_add_duration(&text, grace);
	if (check->version) /* it serves on, and the next run looks again */
		log_debug("Artifact not found within grace period", "message", missing->message, "grace_period", buf_text(&text));
	else
		log_info("Waiting for an artifact", "message", missing->message, "grace_period", buf_text(&text));
	document_set_state(check->document, STATE_WAITING, missing->message);
	return 0;
}

static void look_for_news(const struct check *check, const struct choice *choice)
{
	if (!option_given(check->options, OPT_STALE_AFTER))
		return;
	bool is_news = !str_equal(choice->release.version, check->version) &&
		       !downgrade_is_older(choice, check->calver, check->version);
	stale_look(check->root, option_number(check->options, OPT_STALE_AFTER), &choice->release, is_news, check->document);
}

/* Finds the artifact of the choice, and decides. */
static int look_into(const struct check *check, const struct finding *finding, struct error *error)
{
	const struct choice *choice = &finding->choice;
	struct artifact_rules rules =
		origin_rules(&check->registry, choice->release.version, json_string(check->document, "app"));
	const struct artifact *artifact;

	describe_choice(check->document, choice, check->calver);
	look_for_news(check, choice);
	int result = artifact_select(&finding->artifacts, &rules, &artifact, error);
	if (result)
		return result < 0 ? -1 : wait_for_artifact(check, &choice->release, error);
	if (describe_artifact(check->document, choice->release.version, artifact, error))
		return -1;
	result = decide(check, choice, artifact, error);
	if (document_state(check->document) == STATE_AVAILABLE)
		describe_companions(check->document, &finding->artifacts, artifact);
	return result;
}

static int stay_rejected(const struct check *check, const char *rejected)
{
	AUTO_FREE char *reason = xasprintf("%s is rejected; --force deploys it", rejected);

	return stay(check, rejected, reason);
}

/* Finds the release to run, and its artifacts, or recalls what was found before the last change. Returns 0 or -1. */
static int find(struct check *check, const struct choice_rules *rules, struct finding *ret, struct error *error)
{
	struct registry *registry = &check->registry;
	AUTO_FINDING struct finding recalled = {0};

	if (registry->ops->has_validators)
		registry->validators = memory_recall(registry, check->url, rules, &recalled);
	const cJSON *known = registry->validators;
	int result = choose_release(registry, rules, &ret->choice, error);
	if (result > 0) {
		*ret = recalled;
		recalled = (struct finding){0};
	}
	if (result < 0 || !ret->choice.release.version || (result > 0 && registry->validators == known))
		return result < 0 ? -1 : 0;
	if (result == 0 && registry->ops->artifacts(registry, &ret->choice.release, &ret->artifacts, error))
		return -1;
	if (registry->validators && check->root->state >= 0)
		memory_keep(check->root, check->url, rules, registry->validators, ret);
	return 0;
}

/* The registry has asked for a pause, and still has it. */
static int wait_for_registry(const struct check *check, const struct error *postponed)
{
	document_set_state(check->document, STATE_WAITING, postponed->message);
	log_debug("Registry not asked", "message", postponed->message);
	return 0;
}

/* Tells how often the registry may still be asked. */
static void describe_quota(const struct check *check)
{
	const struct session_quota *quota = &check->registry.session.quota;
	char reset_at[TIME_TEXT];

	if (!quota->limit)
		return;
	json_set_number(check->document, "check.requests_limit", quota->limit);
	json_set_number(check->document, "check.requests_left", quota->left);
	json_set_string(check->document, "check.requests_reset_at", time_format(quota->reset_at, reset_at));
}

static int ask_registry(struct check *check, struct error *error)
{
	AUTO_JSON cJSON *rejected = check->forced ? xrequire(cJSON_CreateArray()) : rejected_read(check->root, error);
	struct choice_rules rules = {
		.calver = check->calver,
		.slot = option_string(check->options, OPT_SLOT),
		.rejected = rejected,
	};
	AUTO_FINDING struct finding finding = {0};

	if (!rejected || registry_confine(&check->registry, -1, error))
		return -1;
	check->rejected = rejected;
	int failed = find(check, &rules, &finding, error);
	describe_quota(check);
	if (failed)
		return error->code == ERROR_POSTPONED ? wait_for_registry(check, error) : -1;
	if (finding.choice.release.version) {
		int result = look_into(check, &finding, error);
		/* A run that has work writes anyway; of other registries, nothing is known between two releases. */
		if (document_state(check->document) == STATE_AVAILABLE && !check->registry.validators && check->root->state >= 0)
			memory_note(check->root, check->url, &finding.choice);
		return result;
	}
	if (finding.choice.rejected)
		return stay_rejected(check, finding.choice.rejected);
	AUTO_FREE char *public = url_public(check->url);
	return choice_explain(&finding.choice, public, error);
}

static int start_deployed(const struct check *check)
{
	describe_deployed(check->document, check->record);
	document_set_state(check->document, STATE_AVAILABLE, check->down);
	log_info("Taking up the deployed release", "version", check->version, "reason", check->down);
	return 0;
}

static int wait_for_attempt(const struct check *check, int failures, time_t next)
{
	char time[TIME_TEXT];
	AUTO_FREE char *reason = xasprintf("%s: %s failed to start %d time%s, next attempt at %s", check->down, check->version,
					   failures, failures == 1 ? "" : "s", time_format(next, time));

	describe_deployed(check->document, check->record);
	document_set_state(check->document, STATE_WAITING, reason);
	log_warn(reason, "hint", "correct what keeps it from starting; --force tries now");
	return 0;
}

/* The server of the deployed release has to be started. What is on disk is started without asking anybody; only when that failed
 * before may the registry have something better. */
static int revive(struct check *check)
{
	struct error unanswered;
	time_t next;
	int failures = attempts_failed(check->root, check->cache_key, &next);

	if (failures == 0 && !check->forced)
		return start_deployed(check);
	if (ask_registry(check, &unanswered))
		log_warn(unanswered.message, "hint", unanswered.hint);
	else if (document_state(check->document) == STATE_AVAILABLE)
		return 0;
	if (check->forced || time_now() / 1000 >= next)
		return start_deployed(check);
	return wait_for_attempt(check, failures, next);
}

static bool begins(const struct options *options)
{
	(void)options;
	return true;
}

static int run(struct stage_run *run, struct error *error)
{
	AUTO_CHECK struct check check = {.options = run->options, .root = run->root, .document = run->document};

	if (read_options(&check, error) || read_deployed(&check, error))
		return -1;
	if (check.forced && check.root->state >= 0 && attempts_clear(check.root, error))
		return -1;
	if (look_at_server(&check, error))
		return -1;
	return check.down ? revive(&check) : ask_registry(&check, error);
}

const struct stage check_stage = {
	.tool =
		{
			.name = "dewy-check",
			.operands = "",
			.summary = "Asks the registry what should run, and compares it with what does",
		},
	.name = "check",
	.user = CHECK,
	.begins = begins,
	.run = run,
	.plan = run, /* it asks, and remembers nothing */
};
