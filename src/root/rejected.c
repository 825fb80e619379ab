/* SPDX-License-Identifier: MIT */
#include "root/rejected.h"

#include "alloc.h"
#include "error.h"
#include "root/release.h"
#include "root/state.h"
#include "str.h"
#include "time.h"
#include "version.h"

enum { LIMIT = 1 << 20, MOST = 200 };

#define NAME "rejected.json"

cJSON *rejected_read(const struct root *root, struct error *error)
{
	AUTO_JSON cJSON *file = NULL;
	int result = state_load(root, NAME, LIMIT, &file, error);

	if (result > 0)
		return xrequire(cJSON_CreateArray());
	cJSON *versions = file ? cJSON_DetachItemFromObjectCaseSensitive(file, "versions") : NULL;
	if (cJSON_IsArray(versions))
		return versions;
	cJSON_Delete(versions);
	if (result == 0)
		state_is_damaged(root, NAME, error);
	error_hint(error, "remove the file: it only holds the versions that are not to be deployed again");
	return NULL;
}

/* Takes versions over. */
static int write_versions(const struct root *root, cJSON *versions, struct error *error)
{
	AUTO_JSON cJSON *file = xrequire(cJSON_CreateObject());

	json_set(file, "versions", versions);
	return state_write(root, NAME, file, error);
}

static bool is_hold(const cJSON *entry)
{
	return json_string(entry, "above") != NULL;
}

const cJSON *rejected_find(const cJSON *versions, const char *version)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, versions)
	{
		if (!is_hold(entry) && str_equal(json_string(entry, "version"), version))
			return entry;
	}
	return NULL;
}

const cJSON *rejected_find_hold(const cJSON *versions, const char *version)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, versions)
	{
		if (is_hold(entry) && str_equal(json_string(entry, "above"), version))
			return entry;
	}
	return NULL;
}

/* Compares two versions of the kind that calver tells, as version_compare does. Returns false when one of them is none. */
static bool compare(const char *calver, const char *a, const char *b, int *ret_order)
{
	struct version left, right;
	struct error error;

	if (!a || !b || version_check_format(calver, &error) || !version_parse(&left, calver, a) ||
	    !version_parse(&right, calver, b))
		return false;
	*ret_order = version_compare(&left, &right);
	return true;
}

static bool is_newer(const char *calver, const char *a, const char *b)
{
	int order;

	return compare(calver, a, b, &order) && order > 0;
}

bool rejected_is_held(const cJSON *versions, const char *version, const char *calver)
{
	const cJSON *entry;
	int order;

	cJSON_ArrayForEach(entry, versions)
	{
		const char *limit = json_string(entry, "version");
		if (is_hold(entry) && (str_equal(limit, version) || (compare(calver, version, limit, &order) && order <= 0 &&
								     is_newer(calver, version, json_string(entry, "above")))))
			return true;
	}
	return false;
}

bool rejected_has(const cJSON *versions, const cJSON *document)
{
	const char *version = json_string(document, "release.version"), *calver = json_string(document, "release.calver");
	const cJSON *entry = rejected_find(versions, version);
	const char *digest = json_string(entry, "digest");

	return (entry && (!digest || str_equal(digest, json_string(document, "artifact.digest")))) ||
	       rejected_is_held(versions, version, calver);
}

/* True for an entry that is to go. */
typedef bool matcher(const cJSON *entry, const void *context);

/* Moves the entries that match to removed. Returns how many there were. */
static int take_out(cJSON *versions, matcher *matches, const void *context, cJSON *removed)
{
	int taken = 0;

	for (cJSON *entry = versions->child, *next; entry; entry = next) {
		next = entry->next;
		if (!matches(entry, context))
			continue;
		cJSON_AddItemToArray(removed, cJSON_DetachItemViaPointer(versions, entry));
		taken++;
	}
	return taken;
}

/* True also when version lacks the v that the entry has; NULL matches all. */
static bool is_meant(const cJSON *entry, const void *version)
{
	const char *rejected = json_string(entry, "version");

	return !version || str_equal(rejected, version) || (rejected && rejected[0] == 'v' && str_equal(rejected + 1, version));
}

/* Versions of another kind are not looked at: nothing of that kind is deployed. */
static bool is_older(const cJSON *entry, const void *context)
{
	const struct rejected_since *since = context;
	const char *at = json_string(entry, "at"), *version = json_string(entry, "version");
	time_t when;
	int order;

	for (size_t i = 0; i < since->count; i++)
		if (compare(since->calver, since->versions[i], version, &order) && order <= 0)
			return false;
	return !at || time_parse(at, &when) || when < since->oldest;
}

/* An artifact of a version. */
struct artifact {
	const char *version;
	const char *cache_key; /* NULL: each of them */
};

static bool is_of_artifact(const cJSON *entry, const void *context)
{
	const struct artifact *artifact = context;
	const char *key = json_string(entry, "cache_key");

	return str_equal(json_string(entry, "version"), artifact->version) &&
	       (is_hold(entry) || !key || !artifact->cache_key || str_equal(key, artifact->cache_key));
}

/* Removes the entries for an artifact. Returns how many there were. */
static int drop(cJSON *versions, const struct artifact *artifact)
{
	AUTO_JSON cJSON *removed = xrequire(cJSON_CreateArray());

	return take_out(versions, is_of_artifact, artifact, removed);
}

/* As rejected_accept. Of the holds that begin after the version from here on, the one that reaches furthest is enough. Returns how
 * many entries changed. */
static int accept_artifact(cJSON *versions, const struct artifact *artifact, const char *calver)
{
	int changed = drop(versions, artifact);
	const char *version = artifact->version;
	cJSON *furthest = NULL;

	for (cJSON *entry = versions->child, *next; entry; entry = next) {
		const char *limit = json_string(entry, "version");
		next = entry->next;
		if (!is_hold(entry) || is_newer(calver, version, limit))
			continue;
		json_set_string(entry, "above", version);
		changed++;
		bool further = !furthest || is_newer(calver, limit, json_string(furthest, "version"));
		cJSON *covered = further ? furthest : entry;
		furthest = further ? entry : furthest;
		if (covered)
			cJSON_Delete(cJSON_DetachItemViaPointer(versions, covered));
	}
	return changed;
}

/* Returns the present time, or that of the newest release when it is later: rejections are forgotten by the names of releases,
 * which go on when the clock is set back. */
static time_t present(const struct root *root)
{
	time_t now = (time_t)(time_now() / 1000), next;
	char name[RELEASE_NAME];
	struct error error;

	return release_next_name(root, name, &error) || time_parse_stamp(name, &next) || next <= now ? now : next - 1;
}

/* Appends an entry in place of those for the same version. Returns it. */
static cJSON *add_entry(const struct root *root, cJSON *versions, const char *version, const char *reason)
{
	cJSON *entry = xrequire(cJSON_CreateObject());
	char at[TIME_TEXT];

	drop(versions, &(struct artifact){.version = version});
	for (int left = cJSON_GetArraySize(versions); left >= MOST; left--)
		cJSON_DeleteItemFromArray(versions, 0);
	json_set_string(entry, "version", version);
	json_set_string(entry, "reason", reason);
	json_set_string(entry, "at", time_format(present(root), at));
	cJSON_AddItemToArray(versions, entry);
	return entry;
}

int rejected_add(const struct root *root, const cJSON *document, const char *reason, struct error *error)
{
	cJSON *versions = rejected_read(root, error);

	if (!versions)
		return -1;
	cJSON *entry = add_entry(root, versions, json_string(document, "release.version"), reason);
	json_set_string(entry, "cache_key", json_string(document, "artifact.cache_key"));
	json_set_string(entry, "digest", json_string(document, "artifact.digest"));
	json_set_string(entry, "revision", json_string(document, "artifact.revision"));
	return write_versions(root, versions, error);
}

int rejected_revise(const struct root *root, const char *version, const char *revision, struct error *error)
{
	cJSON *versions = rejected_read(root, error);

	if (!versions)
		return -1;
	cJSON *entry = (cJSON *)rejected_find(versions, version);
	if (entry)
		json_set_string(entry, "revision", revision);
	return write_versions(root, versions, error);
}

int rejected_hold(const struct root *root, const cJSON *document, const char *ran, const char *reason, struct error *error)
{
	cJSON *versions = rejected_read(root, error);
	const char *chosen = json_string(document, "release.version"), *calver = json_string(document, "release.calver");
	const struct artifact artifact = {chosen, json_string(document, "artifact.cache_key")};

	if (!versions)
		return -1;
	accept_artifact(versions, &artifact, calver);
	AUTO_JSON cJSON *before = cJSON_DetachItemViaPointer(versions, (cJSON *)rejected_find_hold(versions, chosen));
	const char *limit = json_string(before, "version");
	limit = is_newer(calver, limit, ran) ? limit : ran;
	json_set_string(add_entry(root, versions, limit, reason), "above", chosen);
	return write_versions(root, versions, error);
}

int rejected_accept(const struct root *root, const char *version, const char *cache_key, const char *calver, struct error *error)
{
	const struct artifact artifact = {version, cache_key};
	cJSON *versions = rejected_read(root, error);

	if (!versions)
		return -1;
	if (accept_artifact(versions, &artifact, calver))
		return write_versions(root, versions, error);
	cJSON_Delete(versions);
	return 0;
}

/* Writes what is left when something was taken out. Returns 0 with that, or -1. */
static int remove_matching(const struct root *root, matcher *matches, const void *context, cJSON **ret_removed, struct error *error)
{
	cJSON *versions = rejected_read(root, error);
	AUTO_JSON cJSON *removed = xrequire(cJSON_CreateArray());

	*ret_removed = NULL;
	if (!versions)
		return -1;
	if (!take_out(versions, matches, context, removed))
		cJSON_Delete(versions);
	else if (write_versions(root, versions, error))
		return -1;
	*ret_removed = steal_pointer(&removed);
	return 0;
}

int rejected_forget(const struct root *root, const char *version, cJSON **ret_forgotten, struct error *error)
{
	return remove_matching(root, is_meant, version, ret_forgotten, error);
}

int rejected_prune(const struct root *root, const struct rejected_since *since, struct error *error)
{
	AUTO_JSON cJSON *removed = NULL;

	return remove_matching(root, is_older, since, &removed, error);
}
