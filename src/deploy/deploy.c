/* SPDX-License-Identifier: MIT */
#include "deploy/deploy.h"

#include "alloc.h"
#include "confine.h"
#include "deploy/child.h"
#include "deploy/hook.h"
#include "deploy/rehearse.h"
#include "deploy/retention.h"
#include "deploy/retired.h"
#include "deploy/rollback.h"
#include "digest.h"
#include "error.h"
#include "fs.h"
#include "log.h"
#include "root/floor.h"
#include "root/history_chain.h"
#include "root/rejected.h"
#include "root/release.h"
#include "str.h"
#include "time.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXTRACT_MS = 3600 * 1000 };

static struct extract_limits limits(const struct options *options)
{
	return (struct extract_limits){
		.entries = option_number(options, OPT_MAX_ENTRIES),
		.bytes = option_number(options, OPT_MAX_EXTRACTED),
		.ratio = option_number(options, OPT_MAX_RATIO),
	};
}

int deploy_check_previous(const struct stage_run *run, const char *current, struct error *error)
{
	const char *path = json_string(run->document, "previous.path");
	AUTO_FREE char *now = *current ? release_path(run->root, current) : NULL;

	if (str_equal(path, now))
		return 0;
	return error_set(error, ERROR_SUPERSEDED, "another run has switched current from %s to %s meanwhile",
			 path ? path : "nothing", now ? now : "nothing");
}

int deploy_open_artifact(const struct stage_run *run, int cache, struct error *error)
{
	const char *key = json_string(run->document, "artifact.cache_key");
	AUTO_CLOSE int fd = openat(cache, key, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	*error = (struct error){0};
	if (fd < 0)
		return errno == ENOENT ? -1 : error_errno(error, errno, "cannot open %s in the cache", key);
	if (fstat(fd, &status) || !root_trusts(run->root, &status))
		return error_set(error, ERROR_INTEGRITY, "%s in the cache belongs to another user, or others may write to it", key);
	return steal_fd(&fd);
}

int deploy_verify_artifact(const struct stage_run *run, int artifact, struct error *error)
{
	const char *key = json_string(run->document, "artifact.cache_key"), *digest = json_string(run->document, "artifact.digest");
	char found[DIGEST_TEXT];

	if (digest_file(artifact, found, error))
		return error_in(error, "%s", key);
	if (str_equal(found, digest))
		return 0;
	return error_set(error, ERROR_INTEGRITY, "%s in the cache is not what was verified: it has %s instead of %s", key, found,
			 digest);
}

/* An artifact that is verified by this process while a child reads it by the same descriptor. Both read the same bytes: nobody else
 * can write to the file, and what the child makes of it gets no name before both have come to the end. */
struct verification {
	const struct stage_run *run;
	int artifact;
};

static int verify(void *context, struct error *error)
{
	const struct verification *verification = context;

	return deploy_verify_artifact(verification->run, verification->artifact, error);
}

bool deploy_can_reuse(const struct stage_run *run, const char *current, int artifact)
{
	struct extract_limits most = limits(run->options);
	struct verification verification = {run, artifact};
	const struct confine_meanwhile meanwhile = {verify, &verification};
	struct error error;

	if (!*current || json_true(run->document, "forced"))
		return false;
	AUTO_JSON cJSON *record = release_record(run->root, current);
	if (!str_equal(json_string(record, "artifact.cache_key"), json_string(run->document, "artifact.cache_key")) ||
	    !str_equal(json_string(record, "artifact.revision"), json_string(run->document, "artifact.revision")))
		return false; /* also the same bytes once more: the record of the new release tells of their upload */
	AUTO_CLOSE int release = fs_open_directory(run->root->releases, current, &error);
	if (release < 0)
		return false;
	return artifact < 0 || compare_in_child(artifact, json_string(run->document, "artifact.name"), release, &most, EXTRACT_MS,
						&meanwhile, &error) == 1;
}

static void reuse(struct stage_run *run, const char *current)
{
	AUTO_FREE char *path = release_path(run->root, current);

	json_set_string(run->document, "deploy.path", path);
	json_set_bool(run->document, "deploy.reused", true);
	document_set_state(run->document, STATE_DEPLOYED, NULL);
}

static int check_space(const struct stage_run *run, int artifact, struct error *error)
{
	struct stat status;

	if (fstat(artifact, &status))
		return error_errno(error, errno, "cannot look at the artifact");
	if (fs_free_space(run->root->releases) < status.st_size)
		return error_errno(error, ENOSPC, "cannot extract %lld bytes below %s", (long long)status.st_size, run->root->path);
	return 0;
}

/* Extracts into the partial directory, verifies what is extracted, and makes it durable. */
static int fill(struct stage_run *run, int artifact, const char *partial, struct error *error)
{
	const char *name = json_string(run->document, "artifact.name");
	struct extract_limits most = limits(run->options);
	struct verification verification = {run, artifact};
	const struct confine_meanwhile meanwhile = {verify, &verification};
	struct extract_result extracted;

	if (mkdirat(run->root->releases, partial, 0755)) /* which has to last no longer than what is going to be in it */
		return error_errno(error, errno, "cannot create the directory %s", partial);
	AUTO_CLOSE int directory = fs_open_directory(run->root->releases, partial, error);
	if (directory < 0)
		return -1;
	if (extract_in_child(artifact, name, directory, &most, EXTRACT_MS, &meanwhile, &extracted, error))
		return error_in(error, "extract %s", name);
	if (syncfs(directory))
		return error_errno(error, errno, "cannot sync the release");
	json_set_number(run->document, "deploy.files", extracted.entries);
	json_set_number(run->document, "deploy.bytes", extracted.bytes);
	return 0;
}

/* Gives the filled directory its name. The record comes first, so that what has the name of a release always has one; its state
 * is still "fetched", so that the next run knows if this one does not get to the end. */
static int publish(struct stage_run *run, const char *partial, const char *name, struct error *error)
{
	AUTO_FREE char *path = release_path(run->root, name);

	json_set_string(run->document, "deploy.path", path);
	if (release_write_record(run->root, name, run->document, error))
		return -1;
	if (renameat(run->root->releases, partial, run->root->releases, name))
		return error_errno(error, errno, "cannot name the release %s", name);
	return fs_sync_directory(run->root->releases, error);
}

static int extract(struct stage_run *run, int artifact, const char *name, struct error *error)
{
	AUTO_FREE char *partial = xasprintf(".%s.partial", name), *path = release_path(run->root, name);
	struct error unremoved;

	log_info("Extract archive", "path", path);
	if (check_space(run, artifact, error) == 0 && fill(run, artifact, partial, error) == 0 &&
	    publish(run, partial, name, error) == 0)
		return 0;
	fs_remove(run->root->releases, partial, &unremoved); /* the next run sweeps what is left */
	return -1;
}

static void finish(struct stage_run *run, int cache)
{
	const char *path = json_string(run->document, "previous.path"), *slash = path ? strrchr(path, '/') : NULL;
	struct error error;

	if (retention_prune(run->root, cache, slash ? slash + 1 : NULL, option_number(run->options, OPT_KEEP), &error))
		log_warn("Cannot let go of old releases", "error", error.message, "hint", error.hint);
	if (str_equal(json_string(run->document, "mode"), "assets")) {
		AUTO_BUF struct buf spent = {0};
		str_add_duration(&spent, document_spent(run->document) + time_monotonic() - run->started_at);
		document_notice(run->document, "deploy", NOTICE_IMPORTANT, "Deployed %s in %s",
				json_string(run->document, "release.version"), buf_text(&spent));
	}
}

/* Does what comes after the switch. */
static int complete(struct stage_run *run, const char *name, int cache, struct error *error)
{
	AUTO_FREE char *path = release_path(run->root, name);
	struct error reported;

	json_set_string(run->document, "deploy.path", path); /* the record may be from before ROOT was moved */
	hook_run(run, "after-deploy", path, &reported);
	if (str_equal(json_string(run->document, "mode"), "assets"))
		floor_raise(run->root, run->document); /* dewy-restart does, once the server has proved itself */
	document_set_state(run->document, STATE_DEPLOYED, NULL);
	if (release_write_record(run->root, name, run->document, error))
		return -1;
	finish(run, cache);
	return 0;
}

static int deploy(struct stage_run *run, int artifact, int cache, struct error *error)
{
	char name[RELEASE_NAME];
	struct error unswept;

	if (retention_sweep_cache(run->root, cache, run->document, &unswept))
		log_warn("Cannot remove old artifacts", "error", unswept.message, "hint", unswept.hint);
	if (release_next_name(run->root, name, error))
		return -1;
	AUTO_FREE char *path = release_path(run->root, name);
	if (option_string(run->options, OPT_BEFORE_DEPLOY_HOOK) && deploy_verify_artifact(run, artifact, error))
		return -1; /* the hook is for what will be deployed */
	if (hook_run(run, "before-deploy", path, error) && option_flag(run->options, OPT_ABORT_ON_HOOK_FAILURE))
		return -1;
	if (extract(run, artifact, name, error) || release_switch(run->root, name, cache, error))
		return -1;
	log_info("Create symlink", "from", path, "to", "current");
	return complete(run, name, cache, error);
}

/* Takes the release that current leads to as it is. One whose deployment was interrupted after the switch is completed. */
static int take_up(struct stage_run *run, const char *current, int cache, struct error *error)
{
	AUTO_JSON cJSON *record = release_record(run->root, current);

	if (release_heal_cache(run->root, cache, error))
		return -1;
	if (release_is_unfinished(record)) {
		json_set(run->document, "deploy", cJSON_Duplicate(json_get(record, "deploy"), true));
		return complete(run, current, cache, error);
	}
	reuse(run, current);
	return 0;
}

/* What is deployed is rejected no longer: it was forced, or is another artifact than the one that was. What only is taken up again
 * says nothing of another artifact of its version. */
static int accept(const struct stage_run *run, struct error *error)
{
	const char *version = json_string(run->document, "release.version");
	const char *key = json_string(run->document, "artifact.cache_key");
	AUTO_JSON cJSON *rejected = rejected_read(run->root, error);
	const cJSON *entry = rejected_find(rejected, version);
	bool forced = json_true(run->document, "forced");
	bool taken_up = str_equal(key, json_string(run->document, "previous.cache_key"));

	if (!rejected)
		return -1;
	if (!forced && !taken_up && rejected_has(rejected, run->document))
		return error_set(error, ERROR_SUPERSEDED, "%s was rejected, or is held back by a rollback, meanwhile", version);
	if (forced || (entry && (!taken_up || str_equal(key, json_string(entry, "cache_key")))))
		return rejected_accept(run->root, version, NULL, json_string(run->document, "release.calver"), error);
	return 0;
}

static int forward(struct stage_run *run, struct error *error)
{
	char current[RELEASE_NAME] = "";
	struct error unswept;

	if (accept(run, error) || release_current(run->root, current, error) < 0 || deploy_check_previous(run, current, error))
		return -1;
	if (retention_sweep(run->root, current, NULL, &unswept)) /* the application may have put something there */
		log_warn("Cannot remove what is left", "error", unswept.message, "hint", unswept.hint);
	AUTO_CLOSE int cache = root_open_cache(run->root, option_string(run->options, OPT_CACHE), NULL, error);
	if (cache < 0)
		return -1;
	AUTO_CLOSE int artifact = deploy_open_artifact(run, cache, error);
	if (artifact < 0 && error->code != ERROR_NONE)
		return -1;
	if (deploy_can_reuse(run, current, artifact))
		return take_up(run, current, cache, error);
	if (artifact < 0)
		return error_set(error, ERROR_FILESYSTEM, "%s is not in the cache",
				 json_string(run->document, "artifact.cache_key"));
	return deploy(run, artifact, cache, error);
}

static bool begins(const struct options *options)
{
	return option_given(options, OPT_ROLLBACK);
}

static int step(struct stage_run *run, struct error *error)
{
	return begins(run->options) ? rollback_run(run, option_string(run->options, OPT_ROLLBACK), error) : forward(run, error);
}

static int plan(struct stage_run *run, struct error *error)
{
	return begins(run->options) ? rollback_run(run, option_string(run->options, OPT_ROLLBACK), error) : rehearse(run, error);
}

static void afterwards(const struct stage_run *run)
{
	retired_sweep(run->options, run->root);
}

const struct stage deploy_stage = {
	.tool = {"dewy-deploy", "", "Extract a fetched artifact beside the running release and switch current to it"},
	.name = "deploy",
	.user = DEPLOY,
	.acts_on = 1u << STATE_FETCHED,
	.takes_lock = true,
	.record = history_append,
	.begins = begins,
	.run = step,
	.afterwards = afterwards,
	.plan = plan,
	.plans_on = 1u << STATE_AVAILABLE | 1u << STATE_FETCHED,
};
