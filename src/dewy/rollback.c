/* SPDX-License-Identifier: MIT */
#include "dewy/commands.h"
#include "dewy/forget.h"
#include "dewy/once.h"

int rollback_main(int argc, char **argv)
{
	static const struct tool tool = {"dewy rollback", "[VERSION] [-- COMMAND...]",
					 "Go back to the previous release, or to the one of VERSION, and stay there"};
	struct options options;
	int status = options_start(&options, &tool, REVERT, 1, argc, argv);

	if (status >= 0)
		return status;
	status = option_given(&options, OPT_FORGET) || option_flag(&options, OPT_FORGET_FLOOR)
			 ? forget_run(&tool, &options)
			 : once_run(&tool, &options, options.operands[0] ? options.operands[0] : "");
	option_free(&options);
	return status;
}
