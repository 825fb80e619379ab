/* SPDX-License-Identifier: MIT */
#include "deploy/retention.h"

#include "alloc.h"
#include "deploy/retired.h"
#include "error.h"
#include "fs.h"
#include "log.h"
#include "plan.h"
#include "root/rejected.h"
#include "root/release.h"
#include "root/retained.h"
#include "str.h"
#include "time.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ABANDONED_SECONDS = 7 * 86400 };

struct sweep {
	const struct root *root;
	const char *current; /* the release that current leads to, "" for none */
	cJSON *plan;         /* document to which is added what would be removed; NULL to remove it */
	bool retires;        /* something was taken out of use */
	int failed;          /* not 0 when something could not be removed, which keeps nothing else from that */
	struct error *error;
};

static int sweep_release(const char *name, void *context)
{
	struct sweep *sweep = context;

	if (!release_is_partial(name) && !(sweep->plan && release_is_retired(name)))
		return 0;
	if (sweep->plan) {
		plan_step(sweep->plan, "remove releases/%s, which a run that was killed has left", name);
		return 0;
	}
	log_debug("Remove unfinished release", "name", name);
	sweep->failed |= fs_remove(sweep->root->releases, name, sweep->error);
	return 0;
}

/* True when the record belongs to a release that is of use: it has a directory, and its deployment came to its end or is going
 * to be taken up. */
static bool is_of_use(const struct sweep *sweep, const char *name)
{
	AUTO_JSON cJSON *record = release_record(sweep->root, name);
	struct stat status;

	return fstatat(sweep->root->releases, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (str_equal(name, sweep->current) || !release_is_unfinished(record));
}

static int sweep_record(const char *file, void *context)
{
	struct sweep *sweep = context;
	AUTO_FREE char *name = xstrndup(file, RELEASE_NAME - 1);
	struct stat status;

	bool is_record = release_is_name(name) && str_equal(file + RELEASE_NAME - 1, ".json");
	if (is_record && is_of_use(sweep, name))
		return 0;
	if (sweep->plan) {
		plan_step(sweep->plan, "remove .dewy/releases/%s, which is of no use", file);
		return 0;
	}
	if (is_record && fstatat(sweep->root->releases, name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
		sweep->retires = true; /* its record goes with it */
		sweep->failed |= retired_release(sweep->root, name, sweep->error);
		return 0;
	}
	AUTO_FREE char *path = xasprintf("releases/%s", file);
	sweep->failed |= fs_remove(sweep->root->state, path, sweep->error);
	return 0;
}

int retention_sweep(const struct root *root, const char *current, cJSON *plan, struct error *error)
{
	struct sweep sweep = {.root = root, .current = current, .plan = plan, .error = error};

	if (plan && (root->state < 0 || root->releases < 0))
		return 0;
	AUTO_CLOSE int records = fs_open_directory(root->state, "releases", error);

	sweep.failed = plan ? 0 : retired_remove(root, -1, error);
	if (records < 0 || fs_each(root->releases, sweep_release, &sweep, error) || fs_each(records, sweep_record, &sweep, error) ||
	    (sweep.retires && retired_remove(root, -1, error)) || sweep.failed)
		return error_in(error, "clean up");
	return 0;
}

/* A release that may go, and what is known of it. */
struct candidate {
	const char *name;
	char *version, *key; /* of its artifact in the cache */
	bool stays;
};

/* What retention decides on. */
struct retention {
	const struct root *root;
	int cache;
	struct candidate *candidates; /* oldest first; what they lead to but the names is freed with them */
	struct retained *releases;    /* the same ones */
	int count;
	char *calver; /* what tells the versions of the newest; NULL: they are semantic */
};

/* Decides what stays: from the newest back, keep of them, and those that always do: the current one, the previous one, and the one
 * that served last, which may serve still, whatever was deployed since. */
static void choose(struct retention *retention, const char *current, const char *previous, const cJSON *rejected, long long keep)
{
	int served = retained_served(retention->releases, retention->count, current);

	for (int i = retention->count - 1; i >= 0; i--) {
		struct candidate *candidate = &retention->candidates[i];
		bool always = i == served || str_equal(candidate->name, current) || str_equal(candidate->name, previous);
		candidate->stays = always || (keep > 0 && !rejected_find(rejected, candidate->version));
		keep -= candidate->stays;
	}
}

struct cache_sweep {
	int cache;
	const struct candidate *by_key; /* those that have a key, sorted by it; of the same one, what stays comes first */
	size_t count;
	bool shared;  /* not ROOT/.dewy/cache: others may keep files there */
	bool retires; /* instead of removing at once */
	cJSON *plan;  /* as in struct sweep */
	struct error *error;
};

static bool is_shared(const struct root *root, int cache)
{
	struct stat own, given;

	return fstatat(root->state, "cache", &own, AT_SYMLINK_NOFOLLOW) || fstat(cache, &given) || own.st_dev != given.st_dev ||
	       own.st_ino != given.st_ino;
}

/* True for what was to be removed, and for a download that broke off and that nobody has taken up again since: its version was
 * overtaken. */
static bool is_abandoned(int cache, const char *name)
{
	struct stat status;

	if (retired_is_artifact(name))
		return true;
	return name[0] == '.' && (str_ends(name, ".part") || str_ends(name, ".part.json")) &&
	       fstatat(cache, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       llabs(time_now() / 1000 - status.st_mtime) > ABANDONED_SECONDS; /* also when the clock was far ahead then */
}

static int by_key(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;
	int order = strcmp(a->key, b->key);

	return order ? order : b->stays - a->stays;
}

/* Returns the first candidate with the key, or NULL. */
static const struct candidate *find_key(const struct cache_sweep *sweep, const char *key)
{
	size_t low = 0, high = sweep->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(sweep->by_key[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < sweep->count && str_equal(sweep->by_key[low].key, key) ? &sweep->by_key[low] : NULL;
}

static int sweep_artifact(const char *name, void *context)
{
	const struct cache_sweep *sweep = context;
	bool ours = !sweep->shared || is_abandoned(sweep->cache, name);

	if (!strstr(name, "--")) /* not of an artifact: VERSION--NAME, .VERSION--NAME.part, .VERSION--NAME.part.json */
		return 0;
	const struct candidate *candidate = find_key(sweep, name);
	if (candidate && candidate->stays)
		return 0;
	ours = ours || candidate;
	if (ours && sweep->plan)
		plan_step(sweep->plan, "remove %s from the cache", name);
	if (!ours || sweep->plan)
		return 0;
	return sweep->retires && name[0] != '.' ? retired_artifact(sweep->cache, name, sweep->error)
						: fs_remove(sweep->cache, name, sweep->error);
}

/* Forgets what was rejected before all that stays was deployed, and is older than that: one that is newer than a hotfix of an older
 * version would be deployed again. */
static int forget_rejected(const struct retention *retention, struct error *error)
{
	AUTO_FREE const char **versions = xcalloc((size_t)retention->count + 1, sizeof *versions);
	struct rejected_since since = {.versions = versions, .calver = retention->calver};

	for (int i = 0; i < retention->count; i++) {
		const struct candidate *candidate = &retention->candidates[i];
		if (!candidate->stays || (!since.count && time_parse_stamp(candidate->name, &since.oldest)))
			continue;
		versions[since.count++] = candidate->version;
	}
	return since.count ? rejected_prune(retention->root, &since, error) : 0;
}

#define AUTO_RETENTION AUTO(free_retention)

static void free_retention(struct retention *retention)
{
	for (int i = 0; i < retention->count; i++) {
		free(retention->candidates[i].version);
		free(retention->candidates[i].key);
	}
	free(retention->candidates);
	free(retention->releases);
	free(retention->calver);
}

static void add(struct retention *retention, const char *name, const cJSON *record)
{
	free(retention->calver);
	retention->calver = xstrdup(json_string(record, "release.calver"));
	retention->releases[retention->count] = retained_describe(name, record);
	retention->candidates[retention->count++] = (struct candidate){
		.name = name,
		.version = xstrdup(json_string(record, "release.version")),
		.key = xstrdup(json_string(record, "artifact.cache_key")),
	};
}

/* Lists the releases in names, and one more that is only planned, with the name next and the document, unless that is NULL. */
static void gather(struct retention *retention, char (*names)[RELEASE_NAME], int count, const char *next, const cJSON *document)
{
	retention->candidates = xcalloc((size_t)count + 1, sizeof *retention->candidates);
	retention->releases = xcalloc((size_t)count + 1, sizeof *retention->releases);
	for (int i = 0; i < count; i++) {
		AUTO_JSON cJSON *record = release_record(retention->root, names[i]);
		add(retention, names[i], record);
	}
	if (next)
		add(retention, next, document);
}

/* Looks at what is in the cache, as sweep says. The candidates stay in the order of the releases, which others go by. */
static int sweep_cache(const struct retention *retention, struct cache_sweep *sweep)
{
	AUTO_FREE struct candidate *sorted = xcalloc((size_t)retention->count + 1, sizeof *sorted);

	sweep->cache = retention->cache;
	sweep->by_key = sorted;
	for (int i = 0; i < retention->count; i++)
		if (retention->candidates[i].key)
			sorted[sweep->count++] = retention->candidates[i];
	qsort(sorted, sweep->count, sizeof *sorted, by_key);
	return fs_each(sweep->cache, sweep_artifact, sweep, sweep->error);
}

/* Takes what does not stay out of use, or adds to the plan that it would go. */
static int sweep_out(const struct retention *retention, cJSON *plan, struct error *error)
{
	struct cache_sweep sweep = {.retires = true, .plan = plan, .error = error};

	for (int i = 0; i < retention->count; i++) {
		const struct candidate *candidate = &retention->candidates[i];
		if (candidate->stays)
			continue;
		if (plan)
			plan_step(plan, "remove release %s (%s)", candidate->version, candidate->name);
		else if (retired_release(retention->root, candidate->name, error))
			return -1;
	}
	sweep.shared = retention->cache >= 0 && is_shared(retention->root, retention->cache);
	return retention->cache >= 0 ? sweep_cache(retention, &sweep) : 0;
}

int retention_sweep_cache(const struct root *root, int cache, const cJSON *document, struct error *error)
{
	AUTO_FREE char(*names)[RELEASE_NAME] = NULL;
	AUTO_RETENTION struct retention retention = {.root = root, .cache = cache};

	if (is_shared(root, cache))
		return 0;
	int count = release_list(root, &names, error);
	if (count < 0)
		return -1;
	gather(&retention, names, count, "", document);
	for (int i = 0; i < retention.count; i++)
		retention.candidates[i].stays = true;
	struct cache_sweep sweep = {.error = error};
	return sweep_cache(&retention, &sweep);
}

int retention_prune(const struct root *root, int cache, const char *previous, long long keep, struct error *error)
{
	AUTO_FREE char(*names)[RELEASE_NAME] = NULL;
	AUTO_RETENTION struct retention retention = {.root = root, .cache = cache};
	char current[RELEASE_NAME] = "";
	int count = release_list(root, &names, error);
	AUTO_JSON cJSON *rejected = count < 0 ? NULL : rejected_read(root, error);

	if (!rejected || release_current(root, current, error) < 0)
		return -1;
	gather(&retention, names, count, NULL, NULL);
	choose(&retention, current, previous, rejected, keep);
	if (sweep_out(&retention, NULL, error))
		return -1;
	return forget_rejected(&retention, error);
}

int retention_plan(const struct root *root, int cache, cJSON *document, const char *next, const char *previous, long long keep,
		   struct error *error)
{
	AUTO_FREE char(*names)[RELEASE_NAME] = NULL;
	AUTO_RETENTION struct retention retention = {.root = root, .cache = cache};
	int count = release_list(root, &names, error);
	AUTO_JSON cJSON *rejected = count < 0 ? NULL : rejected_read(root, error);

	if (!rejected)
		return -1;
	gather(&retention, names, count, next, document);
	choose(&retention, next, previous, rejected, keep);
	return sweep_out(&retention, document, error);
}
