/* SPDX-License-Identifier: MIT */
#include "dewy/once.h"

#include "alloc.h"
#include "buf.h"
#include "dewy/commands.h"
#include "dewy/cycle.h"
#include "error.h"
#include "fs.h"
#include "log.h"
#include "plan.h"
#include "str.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Prints the plan of a dry run for somebody who looks on. */
static int print_plan(const cJSON *document, struct error *error)
{
	const cJSON *step;

	cJSON_ArrayForEach(step, json_get(document, "plan"))
	{
		AUTO_BUF struct buf line = {0};
		str_add_escaped(&line, step->valuestring);
		puts(buf_text(&line));
	}
	return fflush(stdout) ? error_errno(error, errno, "cannot write to standard output") : 0;
}

/* The steps are printed: once is enough. */
static void quieten(const struct options *options)
{
	setenv("DEWY_LOG_LEVEL", "warn", 1);
	log_configure(LOG_WARN, str_equal(option_string(options, OPT_LOG_FORMAT), "json") ? LOG_JSON : LOG_TEXT);
}

static int print_document(const cJSON *document, bool dry, struct error *error)
{
	if (document && isatty(STDOUT_FILENO) && dry)
		return print_plan(document, error);
	if (!document || isatty(STDOUT_FILENO))
		return 0;
	AUTO_FREE char *text = json_print(document);
	if (fs_write_all(STDOUT_FILENO, text, strlen(text)) || fs_write_all(STDOUT_FILENO, "\n", 1))
		return error_errno(error, errno, "cannot write the document to standard output");
	return 0;
}

int once_run(const struct tool *tool, const struct options *options, const char *rollback)
{
	AUTO_ROOT struct root root = {.fd = -1, .state = -1, .releases = -1};
	struct cycle cycle;
	struct error error;
	bool dry = option_flag(options, OPT_DRY_RUN);
	int status = cycle_begin(&cycle, options, NULL, &root, &error);

	signal(SIGPIPE, SIG_IGN);
	cycle.rollback = rollback;
	if (dry && isatty(STDOUT_FILENO) && !option_given(options, OPT_LOG_LEVEL))
		quieten(options);
	if (status == 0)
		status = cycle_run(&cycle, &error);
	if (status < 0 && error.code == ERROR_LOCKED && !rollback) {
		log_info("Another run holds the lock", "root", root.path); /* timers overlap, and it does what this one would */
		status = 0;
	}
	if (status == 0 && dry && !json_get(cycle.document, "plan"))
		plan_step(cycle.document, "nothing: %s", json_string(cycle.document, "reason"));
	if (status >= 0 && print_document(cycle.document, dry, &error))
		status = -1;
	cycle_end(&cycle);
	return status < 0 ? options_complain(tool, &error) : status;
}

int once_main(int argc, char **argv)
{
	static const struct tool tool = {"dewy once", "[-- COMMAND...]", "Deploy the newest release, if it is not the running one"};
	struct options options;
	int status = options_start(&options, &tool, RUN, 0, argc, argv);

	if (status >= 0)
		return status;
	status = once_run(&tool, &options, NULL);
	option_free(&options);
	return status;
}
