/* SPDX-License-Identifier: MIT */
#include "check/memory.h"

#include "alloc.h"
#include "error.h"
#include "log.h"
#include "root/state.h"
#include "str.h"
#include "time.h"

#include <stdio.h>

static const char found[] = STATE_FOUND;

void finding_free(struct finding *finding)
{
	choice_free(&finding->choice);
	artifact_list_free(&finding->artifacts);
}

/* Returns all that decides which release is chosen, on one line; the caller frees it. Another version of dewy may choose
 * otherwise. */
static char *key_of(const char *url, const struct choice_rules *rules)
{
	AUTO_JSON cJSON *key = xrequire(cJSON_CreateObject());

	json_set_string(key, "dewy", PACKAGE_VERSION);
	json_set_string(key, "registry", url);
	json_set_string(key, "calver", rules->calver);
	json_set_string(key, "slot", rules->slot);
	if (rules->rejected)
		json_set(key, "rejected", xrequire(cJSON_Duplicate(rules->rejected, true)));
	return json_print(key);
}

/* Returns 0, or -1 when it is no choice. */
static int recall_choice(const cJSON *memory, const struct choice_rules *rules, struct choice *ret)
{
	const char *version = json_string(memory, "release.version"), *time = json_string(memory, "release.published_at");
	time_t published_at;

	if (!version || !version_parse(&ret->version, rules->calver, version) || !time || time_parse(time, &published_at))
		return -1;
	ret->release = (struct release){
		.version = xstrdup(version),
		.id = xstrdup(json_string(memory, "release.id")),
		.prerelease = json_true(memory, "release.prerelease"),
		.published_at = published_at,
	};
	ret->rejected = xstrdup(json_string(memory, "newer_rejected"));
	version_parse(&ret->version, rules->calver, ret->release.version); /* it points into the copy */
	return 0;
}

/* True for the URL of an artifact of this registry. */
static bool is_ours(const struct registry *registry, const char *text)
{
	AUTO_URL struct url url = {0};
	struct error error;

	return url_parse(&url, text, &error) == 0 && registry_owns(registry, &url, &error) == 0;
}

/* Returns 0, or -1 when they are not what artifacts of this registry can be: somebody has edited them. */
static int recall_artifacts(const cJSON *memory, const struct registry *registry, struct artifact_list *ret)
{
	const cJSON *items = json_get(memory, "artifacts"), *item;

	cJSON_ArrayForEach(item, items)
	{
		const char *name = json_string(item, "name"), *url = json_string(item, "url"),
			   *digest = json_string(item, "digest");
		struct artifact artifact = {.name = (char *)name, .url = (char *)url, .size = json_number(item, "size", -1)};
		artifact.revision = (char *)json_string(item, "revision");
		snprintf(artifact.digest, sizeof artifact.digest, "%s", digest ? digest : "");
		if (!name || !url || !is_ours(registry, url))
			return -1;
		artifact_list_add(ret, &artifact);
	}
	return cJSON_IsArray(items) ? 0 : -1;
}

cJSON *memory_recall(struct registry *registry, const char *url, const struct choice_rules *rules, struct finding *ret)
{
	const cJSON *state = state_read_once(registry->session.root, STATE_REGISTRY, &registry->session.remembered);
	const cJSON *memory = json_get(state, found), *validators = json_get(memory, "validators");
	AUTO_FINDING struct finding recalled = {0};

	*ret = (struct finding){0};
	if (!validators)
		return NULL;
	AUTO_FREE char *key = key_of(url, rules);
	if (!str_equal(json_string(memory, "key"), key) || recall_choice(memory, rules, &recalled.choice) ||
	    recall_artifacts(memory, registry, &recalled.artifacts))
		return NULL;
	*ret = recalled;
	recalled = (struct finding){0};
	return xrequire(cJSON_Duplicate(validators, true));
}

static cJSON *describe_artifacts(const struct artifact_list *list)
{
	cJSON *items = xrequire(cJSON_CreateArray());

	for (size_t i = 0; i < list->count; i++) {
		const struct artifact *artifact = &list->items[i];
		cJSON *item = xrequire(cJSON_CreateObject());
		json_set_string(item, "name", artifact->name);
		json_set_string(item, "url", artifact->url);
		json_set_number(item, "size", artifact->size);
		json_set_string(item, "digest", *artifact->digest ? artifact->digest : NULL);
		json_set_string(item, "revision", artifact->revision);
		cJSON_AddItemToArray(items, item);
	}
	return items;
}

/* Returns what people are told of a choice; the caller deletes it. */
static cJSON *describe_choice(const char *url, const struct choice *choice)
{
	const struct release *release = &choice->release;
	cJSON *memory = xrequire(cJSON_CreateObject());
	char published_at[TIME_TEXT], now[TIME_TEXT];

	json_set_string(memory, "registry", url);
	json_set_string(memory, "at", time_format((time_t)(time_now() / 1000), now));
	json_set_string(memory, "release.version", release->version);
	json_set_string(memory, "release.id", release->id);
	json_set_bool(memory, "release.prerelease", release->prerelease);
	json_set_string(memory, "release.published_at", time_format(release->published_at, published_at));
	json_set_string(memory, "newer_rejected", choice->rejected);
	return memory;
}

static void write_state(const struct root *root, const char *name, const cJSON *state)
{
	struct error error;

	if (state_write_passing(root, name, state, &error))
		log_debug("Cannot remember what the registry has", "error", error.message);
}

void memory_keep(const struct root *root, const char *url, const struct choice_rules *rules, const cJSON *validators,
		 const struct finding *finding)
{
	AUTO_JSON cJSON *state = state_read(root, STATE_REGISTRY);
	cJSON *memory = describe_choice(url, &finding->choice);
	AUTO_FREE char *key = key_of(url, rules);

	json_set_string(memory, "key", key);
	json_set(memory, "validators", xrequire(cJSON_Duplicate(validators, true)));
	json_set(memory, "artifacts", describe_artifacts(&finding->artifacts));
	json_set(state, found, memory);
	write_state(root, STATE_REGISTRY, state);
}

void memory_note(const struct root *root, const char *url, const struct choice *choice)
{
	AUTO_JSON cJSON *noted = state_read(root, STATE_OFFERED);
	AUTO_JSON cJSON *offered = describe_choice(url, choice);

	if (!str_equal(json_string(noted, "registry"), url) ||
	    !str_equal(json_string(noted, "release.version"), choice->release.version))
		write_state(root, STATE_OFFERED, offered);
}
