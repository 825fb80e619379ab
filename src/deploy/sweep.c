/* SPDX-License-Identifier: MIT */
#include "deploy/sweep.h"

#include "deploy/retired.h"
#include "error.h"
#include "options.h"
#include "root/root.h"

int sweep_program(int argc, char **argv)
{
	static const struct tool tool = {"dewy-sweep", "", "Remove what retention has let go of"};
	AUTO_ROOT struct root root = {.fd = -1, .state = -1, .releases = -1};
	struct options options;
	struct error error;
	int status = options_start(&options, &tool, DEPLOY, 0, argc, argv);

	if (status >= 0)
		return status;
	int failed = root_open(&root, option_string(&options, OPT_ROOT), &error);
	if (!failed)
		retired_sweep(&options, &root);
	option_free(&options);
	return failed ? options_complain(&tool, &error) : 0;
}
