/* SPDX-License-Identifier: MIT */
#include "check/choose.h"

#include "alloc.h"
#include "buf.h"
#include "check/artifact.h"
#include "error.h"
#include "log.h"
#include "root/rejected.h"
#include "str.h"

#include <string.h>

/* What the visit of one release after the other remembers. */
struct choosing {
	struct registry *registry;
	const struct choice_rules *rules;
	struct choice *choice;
	char *equal; /* one that lost against the present choice only by its time or text */
};

static void set_choice(struct choice *choice, const struct release *release, const char *calver)
{
	release_free(&choice->release);
	choice->release = *release;
	choice->release.version = xstrdup(release->version);
	choice->release.id = xstrdup(release->id);
	version_parse(&choice->version, calver, choice->release.version);
}

static void replace_text(char **text, const char *by)
{
	free(*text);
	*text = xstrdup(by);
}

static bool is_after(const struct version *version, const char *calver, const char *text)
{
	struct version other;

	return version_parse(&other, calver, text) && version_compare(version, &other) > 0;
}

/* Looks whether the artifact that was rejected has been replaced in the registry since. Returns 1 when it was, 0 when it was not or
 * nobody can tell, or -1. */
static int was_replaced(struct choosing *choosing, struct release *release, const cJSON *entry, struct error *error)
{
	AUTO_ARTIFACTS struct artifact_list artifacts = {0};
	const char *key = json_string(entry, "cache_key");

	if (!key || !json_string(entry, "digest"))
		return 0;
	if (choosing->registry->ops->artifacts(choosing->registry, release, &artifacts, error))
		return -1;
	for (size_t i = 0; i < artifacts.count; i++) {
		AUTO_FREE char *found = xasprintf("%s--%s", release->version, artifacts.items[i].name);
		if (str_equal(found, key))
			return artifact_differs(&artifacts.items[i], entry);
	}
	return 0;
}

/* Returns 1 when the release is held or was rejected, 0 when not, or -1. */
static int is_rejected(struct choosing *choosing, struct release *release, struct error *error)
{
	const cJSON *rejected = choosing->rules->rejected, *entry = rejected_find(rejected, release->version);

	if (rejected_is_held(rejected, release->version, choosing->rules->calver))
		return 1;
	int replaced = entry ? was_replaced(choosing, release, entry, error) : 1;
	return replaced < 0 ? -1 : !replaced;
}

static void note_rejected(struct choosing *choosing, const struct version *version, const char *text)
{
	struct choice *choice = choosing->choice;

	choice->counts.rejected++;
	if (!choice->rejected || is_after(version, choosing->rules->calver, choice->rejected))
		replace_text(&choice->rejected, text);
}

/* Returns NULL when the release passes the filters that look at it alone, else the counter of the one that holds it back. */
static long long *find_filter(struct choosing *choosing, const struct release *release, struct version *ret_version)
{
	struct choice_counts *counts = &choosing->choice->counts;
	const struct choice_rules *rules = choosing->rules;

	if (release->draft)
		return &counts->drafts;
	if (!version_parse(ret_version, rules->calver, release->version))
		return &counts->unversioned;
	if ((release->prerelease || ret_version->prerelease.length) && !choosing->registry->prerelease)
		return &counts->prereleases;
	if (rules->slot && !span_equal(ret_version->build, rules->slot))
		return &counts->other_slots;
	return NULL;
}

/* Some registries tell the time of a release only with its artifacts. */
static int learn_time(struct registry *registry, struct release *release, struct error *error)
{
	AUTO_ARTIFACTS struct artifact_list artifacts = {0};

	return release->published_at ? 0 : registry->ops->artifacts(registry, release, &artifacts, error);
}

/* Settles two releases of equal versions. */
static int settle(struct choosing *choosing, struct release *release, struct error *error)
{
	struct release *chosen = &choosing->choice->release;

	if (learn_time(choosing->registry, chosen, error) || learn_time(choosing->registry, release, error))
		return -1;
	bool later = release->published_at != chosen->published_at ? release->published_at > chosen->published_at
								   : strcmp(release->version, chosen->version) > 0;
	replace_text(&choosing->equal, later ? chosen->version : release->version);
	if (later)
		set_choice(choosing->choice, release, choosing->rules->calver);
	return 0;
}

static int consider(const struct release *given, void *context, struct error *error)
{
	struct choosing *choosing = context;
	struct choice *choice = choosing->choice;
	struct release release = *given;
	struct version version;

	choice->counts.seen++;
	long long *filter = find_filter(choosing, &release, &version);
	if (filter) {
		++*filter;
		return 0;
	}
	int order = choice->release.version ? version_compare(&version, &choice->version) : 1;
	if (order < 0)
		return 0; /* most releases of a registry with many end here */
	if (!str_is_file_name(release.version)) {
		choice->counts.unversioned++;
		return 0;
	}
	int rejected = is_rejected(choosing, &release, error);
	if (rejected < 0)
		return -1;
	if (rejected) {
		note_rejected(choosing, &version, release.version);
		return 0;
	}
	if (order == 0)
		return settle(choosing, &release, error);
	set_choice(choice, &release, choosing->rules->calver);
	free(steal_pointer(&choosing->equal));
	return 0;
}

int choose_release(struct registry *registry, const struct choice_rules *rules, struct choice *ret, struct error *error)
{
	struct choosing choosing = {.registry = registry, .rules = rules, .choice = ret};

	*ret = (struct choice){0};
	int result = registry->ops->list(registry, consider, &choosing, error);
	AUTO_FREE char *equal = choosing.equal;
	if (result)
		return result;
	if (equal)
		log_warn("Several releases are equally new: taking the one published last", "version", ret->release.version,
			 "other", equal);
	if (ret->rejected && ret->release.version && is_after(&ret->version, rules->calver, ret->rejected))
		free(steal_pointer(&ret->rejected)); /* it was overtaken since */
	return 0;
}

static void add_count(struct buf *text, long long count, const char *what)
{
	if (count)
		buf_printf(text, "%s%lld %s", text->length ? ", " : "", count, what);
}

int choice_explain(const struct choice *choice, const char *url, struct error *error)
{
	const struct choice_counts *counts = &choice->counts;
	AUTO_BUF struct buf held_back = {0};

	if (!counts->seen) {
		error_set(error, ERROR_NOT_FOUND, "the registry %s has no release", url);
		return error_hint(error, "publish one; dewy-registry(7) describes the layout of each registry");
	}
	add_count(&held_back, counts->unversioned, "without a version of this kind");
	add_count(&held_back, counts->drafts, "in draft");
	add_count(&held_back, counts->prereleases, "in pre-release");
	add_count(&held_back, counts->other_slots, "of another slot");
	error_set(error, ERROR_NOT_FOUND, "the registry %s has no release to deploy among %lld: %s", url, counts->seen,
		  buf_text(&held_back));
	return error_hint(error, "publish a version such as v1.2.3, or see --slot, --calver and ?pre-release=true");
}

void choice_free(struct choice *choice)
{
	release_free(&choice->release);
	free(choice->rejected);
	*choice = (struct choice){0};
}
