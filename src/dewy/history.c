/* SPDX-License-Identifier: MIT */
#include "root/history.h"

#include "alloc.h"
#include "buf.h"
#include "dewy/commands.h"
#include "error.h"
#include "options.h"
#include "str.h"

#include <errno.h>
#include <stdio.h>

static const char *text(const cJSON *line, const char *path)
{
	const char *value = json_string(line, path);

	return value && *value ? value : "-";
}

static void print_json(const cJSON *line, void *context)
{
	AUTO_FREE char *json = json_print(line);

	(void)context;
	puts(json);
}

/* Returns why a deployment ended as it did, fit for a terminal; the caller frees it. */
static char *explain(const cJSON *line)
{
	const char *message = json_string(line, "error.message");
	AUTO_BUF struct buf escaped = {0};

	str_add_escaped(&escaped, message ? message : text(line, "reason"));
	return buf_steal(&escaped);
}

static void print_line(const cJSON *line, void *context)
{
	AUTO_FREE char *why = explain(line);
	AUTO_BUF struct buf duration = {0};
	int *printed = context;

	if (!(*printed)++)
		printf("%-20s  %-11s  %-16s  %-16s  %8s  %s\n", "TIME", "RESULT", "VERSION", "BEFORE", "TOOK", "WHY");
	str_add_duration(&duration, json_number(line, "duration_ms", 0));
	printf("%-20s  %-11s  %-16s  %-16s  %8s  %s\n", text(line, "time"), text(line, "state"), text(line, "version"),
	       text(line, "previous"), buf_text(&duration), why);
}

int history_main(int argc, char **argv)
{
	static const struct tool tool = {"dewy history", "", "Print the last deployments, oldest first"};
	AUTO_ROOT struct root root = {.fd = -1, .state = -1, .releases = -1};
	struct options options;
	struct error error;
	int printed = 0, status = options_start(&options, &tool, HISTORY, 0, argc, argv);

	if (status >= 0)
		return status;
	int failed = root_look(&root, option_string(&options, OPT_ROOT), &error);
	bool json = option_flag(&options, OPT_JSON);
	if (!failed)
		failed = history_each(&root, option_number(&options, OPT_LINES), json ? print_json : print_line, &printed, &error);
	if (!failed && !printed && !json)
		puts("Nothing was deployed yet.");
	if (!failed && fflush(stdout))
		failed = error_errno(&error, errno, "cannot write to standard output");
	option_free(&options);
	return failed ? options_complain(&tool, &error) : 0;
}
