/* SPDX-License-Identifier: MIT */
#include "metrics/record.h"

#include "alloc.h"
#include "document.h"
#include "error.h"
#include "log.h"
#include "metrics/facts.h"
#include "metrics/openmetrics.h"
#include "metrics/otlp_settings.h"
#include "metrics/state.h"
#include "notify/counter.h"
#include "notify/message.h"
#include "root/history.h"
#include "root/state.h"
#include "str.h"
#include "time.h"

enum { MOST_COUNTED = 32 }; /* runs that are remembered: more than can be under way or told again */

/* What counters are broken down by. Each value has a counter from the beginning, so that the first one of it is an increase. */
static const char *const stages[] = {"check", "fetch", "deploy", "restart", "other", NULL};
static const char *const results[] = {"running", "deployed", "rolled_back", "failed", NULL};
static const char *const hooks[] = {"before-deploy", "after-deploy", NULL};

bool metrics_are_wanted(const struct options *options)
{
	return option_string(options, OPT_METRICS_FILE) || otlp_is_wanted(OTLP_METRICS) || otlp_is_wanted(OTLP_TRACES);
}

bool metrics_are_due(const struct root *root)
{
	if (!otlp_is_wanted(OTLP_METRICS))
		return false;
	AUTO_JSON cJSON *state = state_read(root, METRICS_STATE);
	long long age = time_now() - json_number(state, "exported_at", 0);
	return age < 0 || age >= otlp_interval();
}

char *metrics_key(const cJSON *document)
{
	return xasprintf("%s %s", json_string(document, "id"), json_string(document, "state"));
}

static bool is_put_in_place(const cJSON *document)
{
	return document_state(document) == STATE_RUNNING ||
	       (document_state(document) == STATE_DEPLOYED && str_equal(json_string(document, "mode"), "assets"));
}

bool metrics_is_outcome(const cJSON *document)
{
	return message_outcome(document) == OUTCOME_BAD || is_put_in_place(document);
}

bool metrics_is_end(const cJSON *document)
{
	enum state state = document_state(document);

	return metrics_is_outcome(document) || state == STATE_UNCHANGED || state == STATE_WAITING;
}

/* Returns the word of the list that text is, else the last one. */
static const char *word_of(const char *const *words, const char *text)
{
	while (words[1] && !str_equal(*words, text))
		words++;
	return *words;
}

static void add_one(cJSON *state, const char *counters, const char *name)
{
	AUTO_FREE char *path = xasprintf("%s.%s", counters, name);

	json_set_number(state, path, json_number(state, path, 0) + 1);
}

static void begin_counters(cJSON *state, const char *counters, const char *const *names)
{
	for (; *names; names++) {
		AUTO_FREE char *path = xasprintf("%s.%s", counters, *names);
		if (json_number(state, path, -1) < 0)
			json_set_number(state, path, 0);
	}
}

static void begin(cJSON *state)
{
	begin_counters(state, "failures", stages);
	begin_counters(state, "deployments", results);
	begin_counters(state, "hook_failures", hooks);
	long long since = json_number(state, "since", -1), now = time_now();
	if (since < 0 || since > now) /* the clock was ahead */
		json_set_number(state, "since", now);
}

/* Returns when the stage ended, in milliseconds since the epoch; -1 when it was not run. */
static long long ended_at(const cJSON *document, const char *stage)
{
	long long start, end;

	return document_times(json_get(document, stage), &start, &end) ? -1 : end;
}

static void add_hooks(cJSON *state, const cJSON *document)
{
	const cJSON *hook;

	cJSON_ArrayForEach(hook, json_get(document, "deploy.hooks"))
	{
		const char *name = word_of(hooks, json_string(hook, "name"));
		long long took = json_number(hook, "duration_ms", -1);
		AUTO_FREE char *path = xasprintf("deployment.hooks.%s", name);
		if (took >= 0)
			json_set_number(state, path, took);
		if (json_number(hook, "exit_code", 0))
			add_one(state, "hook_failures", name);
	}
}

/* True for a run that wanted to put a release in place, rather than to start the server of the one that is there: a rollback by
 * hand takes one that is there, too, but begins with dewy-deploy. */
static bool is_deployment(const cJSON *document)
{
	bool found = json_string(document, "release.version") && !str_equal(json_string(document, "error.stage"), "check");
	bool begun = document_state(document) != STATE_FAILED || found;
	bool by_hand = !json_get(document, "check") && json_get(document, "deploy.started_at");

	return begun && (by_hand || !json_true(document, "deploy.reused"));
}

static void add_deployment(cJSON *state, const cJSON *document)
{
	long long latest = -1;

	json_set(state, "deployment", xrequire(cJSON_CreateObject()));
	for (const char *const *stage = stages; stage[1]; stage++) {
		AUTO_FREE char *took = xasprintf("%s.duration_ms", *stage), *path = xasprintf("deployment.phases.%s", *stage);
		long long end = ended_at(document, *stage);
		latest = end > latest ? end : latest;
		if (end >= 0)
			json_set_number(state, path, json_number(document, took, 0));
	}
	json_set_number(state, "deployment.ended_at", latest >= 0 ? latest : time_now());
	json_set_number(state, "deployment.success", is_put_in_place(document));
	add_hooks(state, document);
	add_one(state, "deployments", word_of(results, json_string(document, "state")));
}

/* Keeps what failed, with the id of the run that was the first to fail so; as in the history, the same again is nothing new. */
static void keep_failure(cJSON *state, const cJSON *document)
{
	static const char *const same[][2] = {
		{"version", "release.version"}, {"stage", "error.stage"}, {"code", "error.code"}, {"message", "error.message"}};
	const cJSON *last = json_get(state, "failure");
	cJSON *failure = xrequire(cJSON_CreateObject());
	bool of_kind = history_is_of_kind(json_string(document, "error.stage"), json_string(document, "error.code"));
	bool repeated = last;

	for (size_t i = 0; i < sizeof same / sizeof *same - of_kind; i++) {
		const char *text = json_string(document, same[i][1]);
		repeated = repeated && str_equal(json_string(last, same[i][0]), text);
		json_set_string(failure, same[i][0], text);
	}
	json_set_string(failure, "id", json_string(repeated ? last : document, "id"));
	json_set(state, "failure", failure);
}

/* Remembers that the run counts. Returns false when it does already. */
static bool remember(cJSON *state, const char *key)
{
	cJSON *counted = json_get(state, "counted"), *item;

	if (!cJSON_IsArray(counted)) {
		counted = xrequire(cJSON_CreateArray());
		json_set(state, "counted", counted);
	}
	cJSON_ArrayForEach(item, counted)
	{
		if (str_equal(cJSON_GetStringValue(item), key))
			return false;
	}
	cJSON_AddItemToArray(counted, xrequire(cJSON_CreateString(key)));
	while (cJSON_GetArraySize(counted) > MOST_COUNTED)
		cJSON_DeleteItemFromArray(counted, 0);
	return true;
}

static void count(cJSON *state, const cJSON *document)
{
	if (document_state(document) == STATE_FAILED)
		keep_failure(state, document);
	else
		json_set_string(state, "failure", NULL);
	if (message_outcome(document) == OUTCOME_BAD)
		add_one(state, "failures", word_of(stages, json_string(document, "error.stage")));
	if (is_deployment(document))
		add_deployment(state, document);
}

/* Returns how many runs in a row have ended badly. That is for dewy-notify to count, which may not have come to this one yet. */
static long long failures_in_a_row(long long counted, const cJSON *counter, const cJSON *document)
{
	switch (message_outcome(document)) {
	case OUTCOME_GOOD:
		return 0;
	case OUTCOME_BAD:
		return counted + !str_equal(json_string(counter, "last_id"), json_string(document, "id"));
	default:
		return counted;
	}
}

/* What notify.json tells: of failures, and in "channels" what each channel has missed. */
static void add_notices(cJSON *state, const struct root *root, const cJSON *document)
{
	AUTO_JSON cJSON *counter = NULL;
	long long counted = counter_read(root, &counter);
	cJSON *undelivered = xrequire(cJSON_CreateObject());
	const cJSON *channel;

	cJSON_ArrayForEach(channel, json_get(counter, "channels"))
	{
		long long missed = json_number(channel, "undelivered.notices", 0);
		xrequire(cJSON_AddNumberToObject(undelivered, channel->string, (double)missed));
	}
	json_set(state, "undelivered", undelivered);
	json_set_number(state, "failures_in_a_row", failures_in_a_row(counted, counter, document));
}

/* Puts the document into the state. Returns true when it counts, and so must not get lost. */
static bool take_in(cJSON *state, const struct root *root, const struct options *options, const cJSON *document)
{
	long long checked_at = ended_at(document, "check"), before = json_number(state, "checked_at", -1);
	AUTO_FREE char *key = metrics_key(document);
	bool interrupted = str_equal(json_string(document, "reason"), "interrupted");

	begin(state);
	if (checked_at > before || (checked_at >= 0 && before > time_now())) /* the clock was ahead */
		json_set_number(state, "checked_at", checked_at);
	if (is_put_in_place(document) || (document_state(document) == STATE_UNCHANGED && !interrupted))
		json_set_number(state, "succeeded_at", time_now());
	add_notices(state, root, document);
	facts_add(state, root, options, document);
	bool counts = metrics_is_outcome(document) && remember(state, key);
	if (counts)
		count(state, document);
	json_set_string(state, "recorded", key);
	return counts;
}

/* What whoever started this has recorded, with options that tell more, stays as it is, but for what was not known then. */
static bool update(struct metrics_state *state, const struct options *options, const cJSON *document)
{
	AUTO_FREE char *key = metrics_key(document);

	if (!str_equal(json_string(state->json, "recorded"), key))
		return take_in(state->json, state->root, options, document);
	add_notices(state->json, state->root, document);
	return false;
}

void metrics_record(struct root *root, const struct options *options, const cJSON *document)
{
	AUTO_METRICS struct metrics_state state = {.lock = -1};
	const char *path = option_string(options, OPT_METRICS_FILE);
	struct error error;

	if (!metrics_are_wanted(options) || root->dry)
		return;
	if (metrics_state_open(&state, root, &error)) {
		log_warn("Cannot keep the metrics", "error", error.message, "hint", error.hint);
		return;
	}
	bool counts = update(&state, options, document);
	if (path)
		metrics_state_note(&state, "file", openmetrics_write(path, state.json, &error) ? &error : NULL);
	if (metrics_state_save(&state, counts, &error))
		log_warn("Cannot keep the metrics", "error", error.message, "hint", error.hint);
}
