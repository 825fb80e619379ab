/* SPDX-License-Identifier: MIT */
#include "dewy/once.h"

#include "alloc.h"
#include "dewy/commands.h"
#include "dewy/cycle.h"
#include "error.h"
#include "fs.h"
#include "log.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static int print_document(const cJSON *document, struct error *error)
{
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
	int status = cycle_begin(&cycle, options, NULL, &root, &error);

	signal(SIGPIPE, SIG_IGN);
	cycle.rollback = rollback;
	if (status == 0)
		status = cycle_run(&cycle, &error);
	if (status < 0 && error.code == ERROR_LOCKED && !rollback) {
		log_info("Another run holds the lock", "root", root.path); /* timers overlap, and it does what this one would */
		status = 0;
	}
	if (status >= 0 && print_document(cycle.document, &error))
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
