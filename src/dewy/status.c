/* SPDX-License-Identifier: MIT */
#include "dewy/commands.h"

#include "alloc.h"
#include "dewy/print_status.h"
#include "dewy/survey.h"
#include "error.h"

#include <errno.h>
#include <stdio.h>

static int tell(const struct options *options, struct error *error)
{
	AUTO_ROOT struct root root = {.fd = -1, .state = -1, .releases = -1};
	AUTO_JSON cJSON *status = root_look(&root, option_string(options, OPT_ROOT), error) ? NULL : survey(&root, options, error);

	if (!status)
		return -1;
	if (option_flag(options, OPT_JSON)) {
		AUTO_FREE char *json = json_print(status);
		puts(json);
	} else {
		print_status(status);
	}
	return fflush(stdout) ? error_errno(error, errno, "cannot write to standard output") : 0;
}

int status_main(int argc, char **argv)
{
	static const struct tool tool = {"dewy status", "", "Tell what is deployed, what serves it, and what happened last"};
	struct options options;
	struct error error;
	int result = options_start(&options, &tool, STATUS, 0, argc, argv);

	if (result >= 0)
		return result;
	int failed = tell(&options, &error);
	option_free(&options);
	return failed ? options_complain(&tool, &error) : 0;
}
