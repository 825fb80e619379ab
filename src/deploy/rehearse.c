/* SPDX-License-Identifier: MIT */
#include "deploy/rehearse.h"

#include "alloc.h"
#include "deploy/deploy.h"
#include "deploy/retention.h"
#include "digest.h"
#include "error.h"
#include "plan.h"
#include "root/fetched.h"
#include "root/rejected.h"
#include "root/release.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* True when dewy-fetch would take the artifact from the cache: it is there as the registry tells it, or as this very upload came
 * before, and not what was rejected. */
static bool is_cached(const struct stage_run *run, int cache)
{
	const char *key = json_string(run->document, "artifact.cache_key"), *digest = json_string(run->document, "artifact.digest");
	long long size = json_number(run->document, "artifact.size", -1);
	AUTO_CLOSE int fd = cache < 0 ? -1 : openat(cache, key, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	char found[DIGEST_TEXT], known[DIGEST_TEXT];
	struct error error;

	if (!digest && fetched_recall(run->root, run->document, known))
		digest = known;
	if (fd < 0 || !digest)
		return false;
	if (fstat(fd, &status) || !S_ISREG(status.st_mode) || !root_trusts(run->root, &status) ||
	    (size >= 0 && status.st_size != size) ||
	    digest_file(fd, found, &error) || !str_equal(digest, found))
		return false;
	AUTO_JSON cJSON *rejected = json_true(run->document, "forced") ? NULL : rejected_read(run->root, &error);
	const cJSON *entry = rejected_find(rejected, json_string(run->document, "release.version"));
	return !str_equal(found, json_string(entry, "digest"));
}

static void plan_fetch(const struct stage_run *run, int cache)
{
	const char *name = json_string(run->document, "artifact.name"), *url = json_string(run->document, "artifact.url");
	long long size = json_number(run->document, "artifact.size", -1);

	if (is_cached(run, cache))
		plan_step(run->document, "take %s from the cache", name);
	else if (size >= 0)
		plan_step(run->document, "download %s (%lld bytes) from %s", name, size, url);
	else
		plan_step(run->document, "download %s from %s", name, url);
}

static void plan_hook(const struct stage_run *run, const char *name, enum option_id option)
{
	const char *command = option_string(run->options, option);

	if (command)
		plan_step(run->document, "run the hook %s: %s", name, command);
}

/* What is deployed is to be taken up as it is. */
static void plan_reuse(const struct stage_run *run, const char *current)
{
	AUTO_JSON cJSON *record = release_record(run->root, current);

	plan_step(run->document, "keep release %s (%s), which is there", json_string(record, "release.version"), current);
	if (release_is_unfinished(record))
		plan_hook(run, "after-deploy", OPT_AFTER_DEPLOY_HOOK);
}

static int plan_deploy(const struct stage_run *run, const char *current, int cache, struct error *error)
{
	const char *version = json_string(run->document, "release.version"), *ran = json_string(run->document, "previous.version");
	char name[RELEASE_NAME];

	if (release_next_name(run->root, name, error) || retention_sweep(run->root, current, run->document, error))
		return -1;
	plan_hook(run, "before-deploy", OPT_BEFORE_DEPLOY_HOOK);
	plan_step(run->document, "extract %s into releases/%s", json_string(run->document, "artifact.name"), name);
	if (ran)
		plan_step(run->document, "switch current from %s to %s", ran, version);
	else
		plan_step(run->document, "make current lead to %s", version);
	plan_hook(run, "after-deploy", OPT_AFTER_DEPLOY_HOOK);
	return retention_plan(run->root, cache, run->document, name, *current ? current : NULL,
			      option_number(run->options, OPT_KEEP), error);
}

int rehearse(struct stage_run *run, struct error *error)
{
	bool fetched = document_state(run->document) == STATE_FETCHED;
	AUTO_CLOSE int cache = root_find_cache(run->root, option_string(run->options, OPT_CACHE));
	char current[RELEASE_NAME] = "";

	if (release_current(run->root, current, error) < 0 || deploy_check_previous(run, current, error))
		return -1;
	*error = (struct error){0};
	AUTO_CLOSE int artifact = fetched && cache >= 0 ? deploy_open_artifact(run, cache, error) : -1;
	if (artifact < 0 && error->code != ERROR_NONE)
		return -1;
	bool reused = deploy_can_reuse(run, current, artifact);
	if (!reused && artifact >= 0 && deploy_verify_artifact(run, artifact, error))
		return -1;
	if (fetched && artifact < 0 && !reused)
		return error_set(error, ERROR_FILESYSTEM, "%s is not in the cache",
				 json_string(run->document, "artifact.cache_key"));
	if (!fetched)
		plan_fetch(run, cache);
	if (!reused)
		return plan_deploy(run, current, cache, error);
	plan_reuse(run, current);
	return 0;
}
