/* SPDX-License-Identifier: MIT */
#include "dewy/forget.h"

#include "alloc.h"
#include "buf.h"
#include "dewy/record.h"
#include "dewy/turn.h"
#include "error.h"
#include "root/floor.h"
#include "root/history_line.h"
#include "root/rejected.h"
#include "root/release.h"
#include "str.h"

#include <errno.h>
#include <stdio.h>

static void print_forgotten(const cJSON *entry)
{
	const char *version = json_string(entry, "version"), *above = json_string(entry, "above");
	AUTO_BUF struct buf text = {0}, escaped = {0};

	if (above)
		buf_printf(&text, "What is newer than %s, up to %s, may be deployed again; it was held", above, version);
	else
		buf_printf(&text, "%s may be deployed again; it was rejected", version);
	buf_printf(&text, " at %s: %s", json_string(entry, "at"), json_string(entry, "reason"));
	str_add_escaped(&escaped, buf_text(&text));
	puts(buf_text(&escaped));
}

static int explain_unknown(const struct root *root, const char *version, struct error *error)
{
	AUTO_JSON cJSON *rejected = rejected_read(root, error);
	AUTO_BUF struct buf versions = {0};
	const cJSON *entry;

	if (!rejected)
		return -1;
	cJSON_ArrayForEach(entry, rejected)
	{
		buf_printf(&versions, "%s%s", versions.length ? ", " : "", json_string(entry, "version"));
	}
	error_set(error, ERROR_CONFIG, "%s is not rejected", version);
	return error_hint(error, versions.length ? "rejected are %s" : "nothing is rejected in this ROOT%s", buf_text(&versions));
}

/* Tells what is held back all the same: a version may have been rejected, and be one of those that a rollback left. */
static void print_held(const struct root *root, const cJSON *forgotten)
{
	char current[RELEASE_NAME] = "";
	struct error error;
	AUTO_JSON cJSON *left = rejected_read(root, &error);
	AUTO_JSON cJSON *record = release_current(root, current, &error) ? NULL : release_record(root, current);
	const char *calver = json_string(record, "release.calver");
	const cJSON *entry;

	cJSON_ArrayForEach(entry, forgotten)
	{
		AUTO_BUF struct buf escaped = {0};
		if (!rejected_is_held(left, json_string(entry, "version"), calver))
			continue;
		str_add_escaped(&escaped, json_string(entry, "version"));
		printf("%s is held back all the same: somebody went back to an older version; see dewy status\n",
		       buf_text(&escaped));
	}
}

/* Forgets what is rejected of version, or all with NULL. Returns 0 or -1. */
static int forget_rejected(const struct root *root, const char *version, struct error *error)
{
	AUTO_JSON cJSON *forgotten = NULL;
	const cJSON *entry;

	if (rejected_forget(root, version, &forgotten, error))
		return -1;
	cJSON_ArrayForEach(entry, forgotten)
	{
		print_forgotten(entry);
	}
	print_held(root, forgotten);
	if (cJSON_GetArraySize(forgotten)) {
		AUTO_JSON cJSON *lines = history_lines_forgotten(root, forgotten);
		record_lines(root, lines);
	}
	if (!cJSON_GetArraySize(forgotten) && version)
		return explain_unknown(root, version, error);
	if (!cJSON_GetArraySize(forgotten))
		puts("Nothing is rejected.");
	return 0;
}

/* Lets --no-downgrade begin anew with what is deployed next. Returns 0 or -1. */
static int forget_floor(const struct root *root, struct error *error)
{
	AUTO_JSON cJSON *forgotten = NULL, *entries = xrequire(cJSON_CreateArray());
	AUTO_BUF struct buf text = {0}, escaped = {0};

	if (floor_forget(root, &forgotten, error))
		return -1;
	if (!json_string(forgotten, "version")) {
		puts("There is no floor.");
		return 0;
	}
	buf_printf(&text, "What is older than %s may be deployed; that was the floor since %s", json_string(forgotten, "version"),
		   json_string(forgotten, "at"));
	str_add_escaped(&escaped, buf_text(&text));
	puts(buf_text(&escaped));
	cJSON_AddItemToArray(entries, steal_pointer(&forgotten));
	AUTO_JSON cJSON *lines = history_lines_forgotten(root, entries);
	record_lines(root, lines);
	return 0;
}

static int forget(const struct root *root, const struct options *options, struct error *error)
{
	const char *given = option_string(options, OPT_FORGET), *version = given && *given ? given : options->operands[0];
	long long lock_wait_ms = option_number(options, OPT_LOCK_WAIT);
	AUTO_CLOSE int lock = root->state < 0 ? -1 : turn_take(root, lock_wait_ms, error);

	if ((root->state >= 0 && lock < 0) || (given && forget_rejected(root, version, error)) ||
	    (option_flag(options, OPT_FORGET_FLOOR) && forget_floor(root, error)))
		return -1;
	return fflush(stdout) ? error_errno(error, errno, "cannot write to standard output") : 0;
}

int forget_run(const struct tool *tool, const struct options *options)
{
	AUTO_ROOT struct root root = {.fd = -1, .state = -1, .releases = -1};
	struct error error;
	int failed = root_open(&root, option_string(options, OPT_ROOT), &error) || forget(&root, options, &error);

	return failed ? options_complain(tool, &error) : 0;
}
