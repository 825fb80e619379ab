/* SPDX-License-Identifier: MIT */
#include "deploy/retention.h"

#include "alloc.h"
#include "error.h"
#include "fs.h"
#include "log.h"
#include "root/rejected.h"
#include "root/release.h"
#include "str.h"
#include "time.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { ABANDONED_SECONDS = 7 * 86400 };

struct sweep {
	const struct root *root;
	const char *current; /* the release that current leads to, "" for none */
	struct error *error;
};

static int sweep_release(const char *name, void *context)
{
	const struct sweep *sweep = context;

	if (!release_is_partial(name))
		return 0;
	log_debug("Remove unfinished release", "name", name);
	return fs_remove(sweep->root->releases, name, sweep->error);
}

static int remove_release(const struct root *root, const char *name, struct error *error)
{
	AUTO_FREE char *record = xasprintf("releases/%s.json", name);

	log_debug("Remove release", "name", name);
	return fs_remove(root->releases, name, error) || fs_remove(root->state, record, error) ? -1 : 0;
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
	const struct sweep *sweep = context;
	AUTO_FREE char *name = xstrndup(file, RELEASE_NAME - 1);

	if (release_is_name(name) && str_equal(file + RELEASE_NAME - 1, ".json"))
		return is_of_use(sweep, name) ? 0 : remove_release(sweep->root, name, sweep->error);
	AUTO_FREE char *path = xasprintf("releases/%s", file);
	return fs_remove(sweep->root->state, path, sweep->error);
}

int retention_sweep(const struct root *root, const char *current, struct error *error)
{
	struct sweep sweep = {.root = root, .current = current, .error = error};
	AUTO_CLOSE int records = fs_open_directory(root->state, "releases", error);

	if (records < 0 || fs_each(root->releases, sweep_release, &sweep, error) || fs_each(records, sweep_record, &sweep, error))
		return error_in(error, "clean up");
	return 0;
}

/* A release that may go, and what is known of it. */
struct candidate {
	const char *name;
	cJSON *record;
	bool stays;
};

static bool is_rejected(const cJSON *rejected, const cJSON *record)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, rejected)
		if (!json_string(entry, "above") && str_equal(json_string(entry, "version"), json_string(record, "release.version")))
			return true;
	return false;
}

/* Decides what stays: from the newest back, keep of them, and those that always do. */
static void choose(struct candidate *candidates, int count, const char *current, const char *previous, const cJSON *rejected,
		   long long keep)
{
	for (int i = count - 1; i >= 0; i--) {
		bool always = str_equal(candidates[i].name, current) || str_equal(candidates[i].name, previous);
		candidates[i].stays = always || (keep > 0 && !is_rejected(rejected, candidates[i].record));
		keep -= candidates[i].stays;
	}
}

struct cache_sweep {
	int cache;
	const struct candidate *candidates;
	int count;
	bool shared; /* not ROOT/.dewy/cache: others may keep files there */
	struct error *error;
};

static bool is_shared(const struct root *root, int cache)
{
	struct stat own, given;

	return fstatat(root->state, "cache", &own, AT_SYMLINK_NOFOLLOW) || fstat(cache, &given) || own.st_dev != given.st_dev ||
	       own.st_ino != given.st_ino;
}

/* True for a download that broke off and that nobody has taken up again since: its version was overtaken. */
static bool is_abandoned(int cache, const char *name)
{
	struct stat status;

	return name[0] == '.' && (str_ends(name, ".part") || str_ends(name, ".part.json")) &&
	       fstatat(cache, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && time_now() / 1000 - status.st_mtime > ABANDONED_SECONDS;
}

static int sweep_artifact(const char *name, void *context)
{
	const struct cache_sweep *sweep = context;
	bool ours = !sweep->shared || is_abandoned(sweep->cache, name);

	if (!strstr(name, "--")) /* not the name of an artifact of ours: VERSION--NAME, .VERSION--NAME.part, .VERSION--NAME.part.json */
		return 0;
	for (int i = 0; i < sweep->count; i++) {
		if (!str_equal(json_string(sweep->candidates[i].record, "artifact.cache_key"), name))
			continue;
		if (sweep->candidates[i].stays)
			return 0;
		ours = true;
	}
	return ours ? fs_remove(sweep->cache, name, sweep->error) : 0;
}

int retention_prune(const struct root *root, int cache, const char *previous, long long keep, struct error *error)
{
	AUTO_FREE char(*names)[RELEASE_NAME] = NULL;
	char current[RELEASE_NAME] = "";
	int count = release_list(root, &names, error), failed = count < 0 ? -1 : 0;
	AUTO_JSON cJSON *rejected = failed ? NULL : rejected_read(root, error);

	if (!rejected || release_current(root, current, error) < 0)
		return -1;
	struct candidate *candidates = xcalloc((size_t)count, sizeof *candidates);
	for (int i = 0; i < count; i++)
		candidates[i] = (struct candidate){.name = names[i], .record = release_record(root, names[i])};
	choose(candidates, count, current, previous, rejected, keep);
	for (int i = 0; i < count && !failed; i++)
		if (!candidates[i].stays)
			failed = remove_release(root, candidates[i].name, error);
	struct cache_sweep sweep = {.cache = cache, .candidates = candidates, .count = count, .error = error};
	sweep.shared = cache >= 0 && is_shared(root, cache);
	if (!failed && cache >= 0)
		failed = fs_each(cache, sweep_artifact, &sweep, error);
	for (int i = 0; i < count; i++)
		cJSON_Delete(candidates[i].record);
	free(candidates);
	return failed;
}
