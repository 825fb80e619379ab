/* SPDX-License-Identifier: MIT */
#include "dewy/step.h"

#include "buf.h"
#include "check/remote.h"
#include "dewy/cycle.h"
#include "error.h"
#include "fs.h"
#include "log.h"
#include "proc.h"
#include "str.h"
#include "time.h"
#include "words.h"

#include <string.h>
#include <unistd.h>

enum { GRACE_MS = 10000 };

bool step_is_abandoned(const struct cycle *cycle, const struct step *step)
{
	const struct requests *requests = &cycle->requests;

	return requests->hurry || (requests->stop && (step->may_be_abandoned || (step->server_only && cycle->ends_server)));
}

static int timed_out(const struct step *step, struct error *error)
{
	error_set(error, ERROR_INTERNAL, "%s took longer than --stage-timeout and was ended", step->program);
	return error_hint(error, "see with --log-level debug what it waits for, or give it more time");
}

int step_await(struct cycle *cycle, const struct step *step, pid_t pid, struct error *error)
{
	long long deadline = time_monotonic() + option_number(cycle->options, OPT_STAGE_TIMEOUT);
	int code, result;

	while ((result = proc_wait_or(pid, deadline - time_monotonic(), cycle->requests.fd, &code)) == 2) {
		requests_read(&cycle->requests);
		if (step_is_abandoned(cycle, step))
			return proc_stop(-pid, GRACE_MS);
		if (cycle->requests.stop)
			log_info("Ending after this stage", "stage", step->stage, "signal", proc_signal_name(cycle->requests.stop));
	}
	if (result == 0)
		return code;
	proc_stop(-pid, GRACE_MS);
	return timed_out(step, error);
}

/* Returns the program of the step, which the caller frees. What takes the network dewy-check would leave to dewy-check-remote: that
 * one is started at once. */
static char *program_of(const struct cycle *cycle, const struct step *step)
{
	bool remote = str_equal(step->stage, "check") && remote_has(option_string(cycle->options, OPT_REGISTRY));

	return remote ? remote_program() : proc_sibling(step->program);
}

static void build_arguments(const struct cycle *cycle, const struct step *step, struct words *argv)
{
	AUTO_FREE char *program = program_of(cycle, step);

	words_add(argv, program);
	if (step->goes_back) {
		words_add(argv, "--rollback");
		if (*cycle->rollback)
			words_add(argv, cycle->rollback);
	} else if (str_equal(step->stage, "restart")) {
		words_add(argv, "--");
		words_add_all(argv, "", (const char *const *)cycle->options->rest);
	}
}

int step_run(struct cycle *cycle, const struct step *step, int lock, const char *text, cJSON **ret_document, struct error *error)
{
	AUTO_CLOSE int input = fs_scratch(text, strlen(text), error);
	AUTO_CLOSE int output = input < 0 ? -1 : fs_scratch("", 0, error);
	AUTO_WORDS struct words argv = {0};
	AUTO_BUF struct buf printed = {0};

	if (root_check_name(cycle->root, error)) /* the stage would open whatever has the name by now */
		return -1;
	build_arguments(cycle, step, &argv);
	struct proc_spec spec = {.argv = words_list(&argv), .in = input, .out = output, .keep = lock, .own_group = true};
	if (output < 0)
		return -1;
	pid_t pid = proc_spawn(&spec, error);
	if (pid < 0) {
		error->code = ERROR_CONFIG; /* it says nothing of the application */
		return -1;
	}
	int code = step_await(cycle, step, pid, error);
	if (code < 0)
		return -1;
	if (lseek(output, 0, SEEK_SET) || buf_read(&printed, output, DOCUMENT_LIMIT))
		return error_set(error, ERROR_INTERNAL, "cannot read what %s printed", step->program);
	if (!printed.length)
		return error_set(error, code == 1 ? ERROR_CONFIG : ERROR_INTERNAL, "%s ended with %d and without a document",
				 step->program, code);
	*ret_document = document_parse(buf_text(&printed), printed.length, error);
	return *ret_document ? 0 : error_in(error, "%s", step->program);
}
