/* SPDX-License-Identifier: MIT */
#include "deploy/rollback.h"

#include "alloc.h"
#include "error.h"
#include "fs.h"
#include "log.h"
#include "plan.h"
#include "root/rejected.h"
#include "root/release.h"
#include "root/retained.h"
#include "str.h"

#include <string.h>

static int explain_missing(const struct root *root, char (*names)[RELEASE_NAME], int count, const char *current,
			   const char *version, struct error *error)
{
	AUTO_BUF struct buf versions = {0};
	AUTO_JSON cJSON *running = *current ? release_record(root, current) : NULL;

	for (int i = 0; i < count; i++) {
		AUTO_JSON cJSON *record = release_record(root, names[i]);
		buf_printf(&versions, "%s%s", i ? ", " : "", json_string(record, "release.version"));
	}
	if (*version && running && retained_is_version(running, version))
		error_set(error, ERROR_USAGE, "%s is deployed already", json_string(running, "release.version"));
	else
		error_set(error, ERROR_USAGE,
			  *version ? "%s is not the version of a release to go back to" : "%sthere is no previous release",
			  version);
	return error_hint(error, count ? "on disk are %s" : "nothing is deployed in this ROOT%s", buf_text(&versions));
}

/* Copies the sections of a release from its record. */
static void describe(struct stage_run *run, const char *name, const char *current)
{
	AUTO_JSON cJSON *record = release_record(run->root, name), *running = release_record(run->root, current);
	AUTO_FREE char *path = release_path(run->root, name), *previous = release_path(run->root, current);
	static const char *const sections[] = {"registry", "release", "artifact", NULL};

	for (const char *const *section = sections; *section; section++) {
		const cJSON *item = json_get(record, *section);
		if (item)
			json_set(run->document, *section, cJSON_Duplicate(item, true));
	}
	json_set_string(run->document, "mode", json_string(record, "mode"));
	json_set_string(run->document, "previous.version", json_string(running, "release.version"));
	json_set_string(run->document, "previous.cache_key", json_string(running, "artifact.cache_key"));
	json_set_string(run->document, "previous.path", previous);
	json_set_string(run->document, "deploy.path", path);
	json_set_bool(run->document, "deploy.reused", true);
}

static int stop_at_first(const char *name, void *context)
{
	(void)name;
	(void)context;
	return 1;
}

/* What is in the release may have been changed by the application itself, and its server has to prove itself anyway; but nothing at
 * all is no release. Returns 0 or -1. */
static int check_filled(const struct stage_run *run, const char *name, struct error *error)
{
	AUTO_CLOSE int directory = fs_open_directory(run->root->releases, name, error);
	int filled = directory < 0 ? -1 : fs_each(directory, stop_at_first, NULL, error);

	if (filled)
		return filled < 0 ? -1 : 0;
	error_set(error, ERROR_INTEGRITY, "the release %s in %s/releases/%s is empty",
		  json_string(run->document, "release.version"), run->root->path, name);
	return error_hint(error, "go back to another version: dewy status lists them");
}

/* Returns the reason, with the name of whoever did it as the session has it; the caller frees it. */
static char *explain(void)
{
	const char *by = getenv("SUDO_USER");

	if (!by || !*by)
		by = getenv("LOGNAME");
	return by && str_is_file_name(by) ? xasprintf("rolled back by hand by %s", by) : xstrdup("rolled back by hand");
}

/* The document may go to dewy-restart --dry-run from here, and to nothing that would act on it. */
static int plan_switch(struct stage_run *run, const char *reason)
{
	const char *version = json_string(run->document, "release.version"), *ran = json_string(run->document, "previous.version");

	plan_step(run->document, "hold the application at %s: nothing newer, up to %s, is deployed by itself", version, ran);
	plan_step(run->document, "switch current from %s to %s", ran, version);
	document_set_state(run->document, STATE_AVAILABLE, reason);
	return 0;
}

static int switch_to(struct stage_run *run, const char *name, struct error *error)
{
	const char *version = json_string(run->document, "release.version"), *ran = json_string(run->document, "previous.version");
	AUTO_FREE char *reason = explain();

	if (run->root->dry)
		return plan_switch(run, reason);
	AUTO_CLOSE int cache = root_open_cache(run->root, option_string(run->options, OPT_CACHE), NULL, error);

	if (cache < 0 || rejected_hold(run->root, run->document, ran, reason, error) ||
	    release_mark(run->root, name, STATE_DEPLOYED, error) || release_switch(run->root, name, cache, error))
		return -1;
	log_info("Create symlink", "from", json_string(run->document, "deploy.path"), "to", "current");
	document_set_state(run->document, STATE_DEPLOYED, reason);
	document_notice(run->document, "deploy", NOTICE_IMPORTANT, "Rolled back to %s by hand (was %s)", version, ran);
	return 0;
}

int rollback_run(struct stage_run *run, const char *version, struct error *error)
{
	AUTO_FREE char(*names)[RELEASE_NAME] = NULL;
	char current[RELEASE_NAME] = "";
	int count = release_list(run->root, &names, error);

	if (count < 0 || release_current(run->root, current, error) < 0)
		return -1;
	int chosen = *current ? retained_find(run->root, names, count, current, version) : -1;
	if (chosen < 0)
		return explain_missing(run->root, names, count, current, version, error);
	describe(run, names[chosen], current);
	if (check_filled(run, names[chosen], error))
		return -1;
	return switch_to(run, names[chosen], error);
}
