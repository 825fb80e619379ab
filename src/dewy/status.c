/* SPDX-License-Identifier: MIT */
#include "alloc.h"
#include "buf.h"
#include "dewy/commands.h"
#include "error.h"
#include "notify/counter.h"
#include "options.h"
#include "root/attempts.h"
#include "root/history.h"
#include "root/rejected.h"
#include "root/release.h"
#include "serve/status.h"
#include "str.h"
#include "time.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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
	json_set_string(release, "path", path);
	if (time_parse_stamp(name, &when) == 0)
		json_set_string(release, "deployed_at", time_format(when, text));
	return release;
}

static int add_releases(cJSON *status, const struct root *root, struct error *error)
{
	AUTO_FREE char(*names)[RELEASE_NAME] = NULL;
	char current[RELEASE_NAME] = "";
	int count = release_list(root, &names, error);
	cJSON *releases = xrequire(cJSON_CreateArray());

	json_set(status, "releases", releases);
	if (count < 0 || release_current(root, current, error) < 0)
		return -1;
	for (int i = count - 1; i >= 0; i--)
		cJSON_AddItemToArray(releases, describe_release(root, names[i]));
	if (*current)
		json_set(status, "current", describe_release(root, current));
	return 0;
}

static int add_supervisor(cJSON *status, const struct root *root, const struct options *options, struct error *error)
{
	static const char *const states[] = {
		[SERVE_UNKNOWN] = "unknown", [SERVE_STARTING] = "starting", [SERVE_READY] = "ready",
		[SERVE_FAILED] = "failed",   [SERVE_STOPPING] = "stopping",
	};
	AUTO_FREE char *pid_file = serve_pid_file(options, root), *status_file = serve_status_file(options, root);
	AUTO_SERVE_STATUS struct serve_status serve = {0};
	pid_t pid = 0;
	int running = serve_is_running(pid_file, &pid, error);

	json_set_bool(status, "server.running", running > 0);
	if (running <= 0)
		return running;
	json_set_number(status, "server.pid", pid);
	if (serve_status_read(status_file, &serve, error))
		return 0; /* one that keeps its status file elsewhere, or has not written it yet */
	json_set_string(status, "server.state", states[serve.state]);
	if (serve.count) {
		json_set_number(status, "server.generation", serve.workers[serve.count - 1].generation);
		json_set_number(status, "server.worker", serve.workers[serve.count - 1].pid);
	}
	return 0;
}

/* Runs that fail before there is something to deploy are not in the history. */
static void add_failures(cJSON *status, const struct root *root)
{
	char last_at[TIME_TEXT];
	long long count = counter_read(root, last_at);

	if (!count)
		return;
	json_set_number(status, "failures.count", count);
	json_set_string(status, "failures.last_at", last_at);
}

static void keep_last(const cJSON *line, void *context)
{
	json_set(context, "last", cJSON_Duplicate(line, true));
}

/* Returns all that is known of ROOT, or NULL; the caller deletes it. */
static cJSON *collect(const struct root *root, const struct options *options, struct error *error)
{
	AUTO_JSON cJSON *status = xrequire(cJSON_CreateObject());
	cJSON *rejected;

	json_set_string(status, "app", strrchr(root->path, '/') + 1);
	json_set_string(status, "root", root->path);
	if (add_releases(status, root, error) || add_supervisor(status, root, options, error) || !(rejected = rejected_read(root, error)))
		return NULL;
	json_set(status, "rejected", rejected);
	add_failures(status, root);
	return history_each(root, 1, keep_last, status, error) ? NULL : steal_pointer(&status);
}

/* Returns the text at path, or a dash. */
static const char *text_at(const cJSON *json, const char *path)
{
	const char *text = json_string(json, path);

	return text ? text : "-";
}

static void print_field(const char *name, const char *value)
{
	AUTO_BUF struct buf escaped = {0};

	str_add_escaped(&escaped, value ? value : "-");
	printf("%-10s %s\n", name, buf_text(&escaped));
}

static void print_server(const cJSON *status)
{
	AUTO_BUF struct buf text = {0};

	if (!json_true(status, "server.running"))
		buf_puts(&text, "not running");
	else if (json_get(status, "server.worker"))
		buf_printf(&text, "generation %lld serves, worker %lld, supervisor %lld", json_number(status, "server.generation", 0),
			   json_number(status, "server.worker", 0), json_number(status, "server.pid", 0));
	else
		buf_printf(&text, "%s, supervisor %lld", text_at(status, "server.state"), json_number(status, "server.pid", 0));
	print_field("server", buf_text(&text));
}

static void print_list(const char *name, const cJSON *list, const char *detail)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
	{
		AUTO_BUF struct buf text = {0};
		const char *above = json_string(item, "above");
		buf_printf(&text, "%s  %s", text_at(item, "version"), text_at(item, detail));
		if (above)
			buf_printf(&text, " (held at %s)", above);
		print_field(name, buf_text(&text));
		name = "";
	}
}

static void print_failures(const cJSON *status)
{
	AUTO_BUF struct buf text = {0};

	if (!json_get(status, "failures"))
		return;
	buf_printf(&text, "%lld in a row, the last at %s; the log has the reason", json_number(status, "failures.count", 0),
		   text_at(status, "failures.last_at"));
	print_field("failures", buf_text(&text));
}

static void print_last(const cJSON *status)
{
	AUTO_BUF struct buf text = {0};
	const char *message = json_string(status, "last.error.message"), *hint = json_string(status, "last.error.hint");

	if (!json_get(status, "last"))
		return;
	buf_printf(&text, "%s %s at %s", text_at(status, "last.version"), text_at(status, "last.state"),
		   text_at(status, "last.time"));
	if (message)
		buf_printf(&text, ": %s; %s", message, hint ? hint : "-");
	print_field("last", buf_text(&text));
}

static void print_status(const cJSON *status)
{
	AUTO_BUF struct buf current = {0};

	print_field("app", text_at(status, "app"));
	print_field("root", text_at(status, "root"));
	if (json_get(status, "current"))
		buf_printf(&current, "%s, deployed at %s, %s", text_at(status, "current.version"),
			   text_at(status, "current.deployed_at"), text_at(status, "current.artifact"));
	print_field("current", json_get(status, "current") ? buf_text(&current) : "nothing is deployed");
	print_server(status);
	print_list("releases", json_get(status, "releases"), "deployed_at");
	print_list("rejected", json_get(status, "rejected"), "reason");
	print_failures(status);
	print_last(status);
}

int status_main(int argc, char **argv)
{
	static const struct tool tool = {"dewy status", "", "Tell what is deployed, what serves it, and what happened last"};
	AUTO_ROOT struct root root = {.fd = -1, .state = -1, .releases = -1};
	struct options options;
	struct error error;
	int result = options_start(&options, &tool, STATUS, 0, argc, argv);

	if (result >= 0)
		return result;
	AUTO_JSON cJSON *status =
		root_open(&root, option_string(&options, OPT_ROOT), &error) ? NULL : collect(&root, &options, &error);
	AUTO_FREE char *json = status ? json_print(status) : NULL;
	if (json && option_flag(&options, OPT_JSON))
		puts(json);
	else if (json)
		print_status(status);
	bool failed = !json || (fflush(stdout) && error_errno(&error, errno, "cannot write to standard output"));
	option_free(&options);
	return failed ? options_complain(&tool, &error) : 0;
}
