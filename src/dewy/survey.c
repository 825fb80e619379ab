/* SPDX-License-Identifier: MIT */
#include "dewy/survey.h"

#include "alloc.h"
#include "error.h"
#include "notify/counter.h"
#include "root/attempts.h"
#include "root/floor.h"
#include "root/history.h"
#include "root/limits.h"
#include "root/rejected.h"
#include "root/release.h"
#include "root/retained.h"
#include "root/state.h"
#include "str.h"
#include "time.h"

#include <string.h>

enum { LINES = 1000 }; /* of the history, in which the deployment of what is current is looked for */

/* What one look at ROOT holds until it is written down. */
struct look {
	const struct root *root;
	char current[RELEASE_NAME]; /* "" when nothing is deployed */
	cJSON *record;              /* of that */
	cJSON *rejected;
	cJSON *began;               /* line of the history by which it came to be current; NULL for none, */
	cJSON *good;                /* the last one of what ended well, */
	cJSON *last;                /* and the last one at all */
};

#define AUTO_LOOK AUTO(free_look)

static void free_look(struct look *look)
{
	cJSON_Delete(look->record);
	cJSON_Delete(look->rejected);
	cJSON_Delete(look->began);
	cJSON_Delete(look->good);
	cJSON_Delete(look->last);
}

static void keep(cJSON **kept, const cJSON *line)
{
	cJSON_Delete(*kept);
	*kept = line ? xrequire(cJSON_Duplicate(line, true)) : NULL;
}

static bool is_before(const cJSON *line, time_t when)
{
	const char *text = json_string(line, "time");
	time_t time;

	return text && time_parse(text, &time) == 0 && time < when;
}

/* True when the line tells that what is current was deployed, or taken up again. */
static bool is_of_current(const struct look *look, const cJSON *line)
{
	return str_equal(json_string(line, "version"), json_string(look->record, "release.version")) &&
	       str_equal(json_string(line, "digest"), json_string(look->record, "artifact.digest"));
}

/* Of several lines in a row that tell of the present release, it came with the first; the others started its server again. One from
 * before its directory was made tells of an earlier copy. */
static void read_line(const cJSON *line, void *context)
{
	struct look *look = context;
	const char *state = json_string(line, "state");
	time_t made;

	if (str_equal(state, HISTORY_FORGOTTEN))
		return; /* that was no deployment */
	keep(&look->last, line);
	if (!str_equal(state, "running") && !str_equal(state, "deployed"))
		return;
	bool tells = is_of_current(look, line) && time_parse_stamp(look->current, &made) == 0 && !is_before(line, made);
	if (!tells || !look->began)
		keep(&look->began, tells ? line : NULL);
	keep(&look->good, line);
}

static int look_around(struct look *look, struct error *error)
{
	if (release_current(look->root, look->current, error) < 0)
		return -1;
	look->record = *look->current ? release_record(look->root, look->current) : NULL;
	look->rejected = rejected_read(look->root, error);
	return look->rejected ? history_each(look->root, LINES, read_line, look, error) : -1;
}

static cJSON *describe_release(const struct root *root, const char *name)
{
	AUTO_JSON cJSON *record = release_record(root, name);
	AUTO_FREE char *path = release_path(root, name);
	cJSON *release = xrequire(cJSON_CreateObject());
	char text[TIME_TEXT];
	time_t when;

	json_set_string(release, "version", json_string(record, "release.version"));
	json_set_string(release, "artifact", json_string(record, "artifact.name"));
	json_set_string(release, "digest", json_string(record, "artifact.digest"));
	json_set_string(release, "state", json_string(record, "state"));
	json_set_string(release, "mode", json_string(record, "mode"));
	json_set_string(release, "path", path);
	if (time_parse_stamp(name, &when) == 0)
		json_set_string(release, "deployed_at", time_format(when, text));
	return release;
}

/* What runs, since when and why: when the history does not know any more, its record does. */
static void add_current(cJSON *survey, const struct look *look)
{
	cJSON *current = *look->current ? describe_release(look->root, look->current) : NULL;
	const char *since = json_string(look->began, "time");

	if (!current)
		return;
	json_set_string(current, "since", since ? since : json_string(current, "deployed_at"));
	json_set_string(current, "reason", json_string(look->began ? look->began : look->record, "reason"));
	json_set(survey, "current", current);
}

static void mark(cJSON *release, const struct look *look, const char *name, bool previous)
{
	const char *version = json_string(release, "version");
	const cJSON *entry = rejected_find(look->rejected, version), *hold = rejected_find_hold(look->rejected, version);
	bool current = str_equal(name, look->current);
	cJSON *marks = xrequire(cJSON_CreateArray());

	if (current)
		cJSON_AddItemToArray(marks, xrequire(cJSON_CreateString("current")));
	if (current && hold)
		cJSON_AddItemToArray(marks, xrequire(cJSON_CreateString("held")));
	if (previous)
		cJSON_AddItemToArray(marks, xrequire(cJSON_CreateString("previous")));
	if (entry && !current)
		cJSON_AddItemToArray(marks, xrequire(cJSON_CreateString("rejected")));
	json_set(release, "marks", marks);
}

/* Lists what is on disk, newest first. */
static int add_releases(cJSON *survey, const struct look *look, struct error *error)
{
	AUTO_FREE char(*names)[RELEASE_NAME] = NULL;
	int count = release_list(look->root, &names, error);
	cJSON *releases = xrequire(cJSON_CreateArray());

	json_set(survey, "releases", releases);
	if (count < 0)
		return -1;
	int previous = *look->current ? retained_find(look->root, names, count, look->current, "") : -1;
	for (int i = count - 1; i >= 0; i--) {
		cJSON *release = describe_release(look->root, names[i]);
		mark(release, look, names[i], i == previous);
		cJSON_AddItemToArray(releases, release);
	}
	return 0;
}

static void add_rejected(cJSON *survey, const struct look *look)
{
	cJSON *rejected = xrequire(cJSON_Duplicate(look->rejected, true)), *entry;

	cJSON_ArrayForEach(entry, rejected)
	{
		AUTO_FREE char *clear = xasprintf("dewy rollback --forget %s", json_string(entry, "version"));
		json_set_string(entry, "clear", clear);
	}
	json_set(survey, "rejected", rejected);
}

/* Since when nothing newer than the version has appeared, when people were told of that. */
static void add_stale(cJSON *survey, const struct look *look, const char *version)
{
	AUTO_JSON cJSON *stale = state_read(look->root, STATE_STALE);

	if (!str_equal(json_string(stale, "version"), version))
		return;
	json_set_string(survey, "available.stale_since", json_string(stale, "since"));
	json_set_string(survey, "available.stale_told_at", json_string(stale, "at"));
}

/* What was last found in the registry: its times can be compared as texts. */
static void add_available(cJSON *survey, const struct look *look, const cJSON *registry)
{
	AUTO_JSON cJSON *offered = state_read(look->root, STATE_OFFERED);
	const cJSON *found = json_get(registry, STATE_FOUND), *entry;
	const char *offered_at = json_string(offered, "at"), *found_at = json_string(found, "at");

	if (offered_at && (!found_at || strcmp(offered_at, found_at) > 0))
		found = offered;
	const char *version = json_string(found, "release.version");
	bool rejected = false;

	if (!version)
		return;
	cJSON_ArrayForEach(entry, look->rejected)
	{
		rejected = rejected || str_equal(json_string(entry, "version"), version);
	}
	json_set_string(survey, "available.version", version);
	json_set_bool(survey, "available.is_rejected", rejected);
	json_set_string(survey, "available.newer_rejected", json_string(found, "newer_rejected"));
	json_set_string(survey, "available.registry", json_string(found, "registry"));
	json_set_string(survey, "available.found_at", json_string(found, "at"));
	add_stale(survey, look, version);
}

/* The version below which --no-downgrade refuses to go. Returns 0, or -1. */
static int add_floor(cJSON *survey, const struct look *look, struct error *error)
{
	cJSON *floor = floor_read(look->root, error);

	if (!floor)
		return -1;
	if (!json_string(floor, "version")) {
		cJSON_Delete(floor);
		return 0;
	}
	json_set_string(floor, "clear", "dewy rollback --forget-floor");
	json_set(survey, "floor", floor);
	return 0;
}

/* When the registry may be asked again, and when a server that did not start is tried again. */
static void add_next(cJSON *survey, const struct look *look, const cJSON *registry)
{
	const cJSON *limit = limits_longest(registry);
	const char *key = json_string(look->record, "artifact.cache_key");
	char text[TIME_TEXT];
	time_t next = 0;
	int failures = key ? attempts_failed(look->root, key, &next) : 0;

	json_set_bool(survey, "next.poll_now", !limit);
	json_set_string(survey, "next.poll_at", json_string(limit, "until"));
	json_set_string(survey, "next.asked_by", json_string(limit, "host"));
	if (!failures)
		return;
	json_set_number(survey, "next.failed_starts", failures);
	json_set_string(survey, "next.start_at", time_format(next, text));
}

/* The failures in a row, and the error of the last: of the run that is counted, or else of the last deployment. */
static void add_failures(cJSON *survey, const struct look *look, const cJSON *counter, long long count)
{
	const cJSON *error = count ? json_get(counter, "error") : NULL;
	const char *at = json_string(counter, "last_at");

	if (count) {
		json_set_number(survey, "failures.count", count);
		json_set_string(survey, "failures.last_at", at);
	}
	if (!json_string(error, "message")) {
		error = json_get(look->last, "error");
		at = json_string(look->last, "time");
	}
	if (!json_string(error, "message"))
		return;
	json_set(survey, "error", xrequire(cJSON_Duplicate(error, true)));
	json_set_string(survey, "error.at", at);
}

/* What people have missed since something last reached them. */
static void add_undelivered(cJSON *survey, const cJSON *counter)
{
	static const char *const texts[] = {"since", "last_at", "error", "hint"};
	cJSON *list = xrequire(cJSON_CreateArray());
	const cJSON *channel;

	json_set(survey, "undelivered", list);
	cJSON_ArrayForEach(channel, json_get(counter, COUNTER_CHANNELS))
	{
		const cJSON *undelivered = json_get(channel, COUNTER_UNDELIVERED);
		if (!undelivered)
			continue;
		cJSON *item = xrequire(cJSON_CreateObject());
		json_set_string(item, "channel", channel->string);
		json_set_number(item, "notices", json_number(undelivered, "notices", 0));
		for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
			json_set_string(item, texts[i], json_string(undelivered, texts[i]));
		cJSON_AddItemToArray(list, item);
	}
}

/* What was counted, and what was not delivered. */
static void add_notices(cJSON *survey, const struct look *look)
{
	AUTO_JSON cJSON *counter = NULL;
	long long count = counter_read(look->root, &counter);

	add_failures(survey, look, counter, count);
	add_undelivered(survey, counter);
}

cJSON *survey(const struct root *root, const struct options *options, struct error *error)
{
	AUTO_JSON cJSON *survey = xrequire(cJSON_CreateObject()), *registry = state_read(root, STATE_REGISTRY);
	AUTO_LOOK struct look look = {.root = root};

	if (look_around(&look, error))
		return NULL;
	const struct proof proof = {look.current, look.good, look.began != NULL};
	const char *app = json_string(look.record, "app");
	json_set_string(survey, "app", app ? app : strrchr(root->path, '/') + 1);
	json_set_string(survey, "root", root->path);
	add_current(survey, &look);
	if (survey_server(survey, root, options, &proof, error))
		return NULL;
	add_available(survey, &look, registry);
	if (add_releases(survey, &look, error))
		return NULL;
	add_rejected(survey, &look);
	if (add_floor(survey, &look, error))
		return NULL;
	add_notices(survey, &look);
	if (look.last)
		json_set(survey, "last", steal_pointer(&look.last));
	add_next(survey, &look, registry);
	return steal_pointer(&survey);
}
