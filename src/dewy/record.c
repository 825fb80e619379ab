/* SPDX-License-Identifier: MIT */
#include "dewy/record.h"

#include "alloc.h"
#include "error.h"
#include "fs.h"
#include "log.h"
#include "proc.h"
#include "root/history.h"

#include <string.h>

enum { TIMEOUT_MS = 30000 };

char *record_program(void)
{
	return proc_helper("dewy-history", PKGLIBEXECDIR);
}

/* It says itself what went wrong with the history. */
static int run_program(const struct root *root, const cJSON *lines, struct error *error)
{
	AUTO_FREE char *program = record_program(), *text = json_print(lines);
	const char *argv[] = {program, "append", "--root", root->path, NULL};
	AUTO_CLOSE int input = fs_scratch(text, strlen(text), error);
	struct proc_spec spec = {.argv = argv, .in = input, .own_group = true};
	pid_t pid = input < 0 ? -1 : proc_spawn(&spec, error);
	int code;

	if (pid < 0)
		return error_hint(error, "install it with the rest of dewy");
	if (proc_wait(pid, TIMEOUT_MS, &code) == 0)
		return code < 128 ? 0 : error_set(error, ERROR_INTERNAL, "%s was killed by signal %d", program, code - 128);
	proc_stop(-pid, 0);
	return error_set(error, ERROR_INTERNAL, "%s took too long and was ended", program);
}

void record_lines(const struct root *root, const cJSON *lines)
{
	struct error error;

	if (root->dry || (!cJSON_IsArray(lines) && history_is_repeated(root, lines)))
		return;
	if (root_check_name(root, &error) || run_program(root, lines, &error))
		log_warn(HISTORY_UNRECORDED, "error", error.message, "hint", error.hint);
}
