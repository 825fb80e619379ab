/* SPDX-License-Identifier: MIT */
#include "dewy/sweeper.h"

#include "cleanup.h"
#include "error.h"
#include "log.h"
#include "proc.h"
#include "str.h"
#include "time.h"

enum { GRACE_MS = 2000 };

/* Reaps it when it has ended. */
static bool is_busy(struct sweeper *sweeper)
{
	int code;

	if (sweeper->pid && proc_wait(sweeper->pid, 0, &code) <= 0)
		sweeper->pid = 0;
	return sweeper->pid;
}

/* True after a deployment, and when there was no room for one: what a run that was killed has only hidden may be in its place. */
static bool is_needed(const cJSON *document)
{
	bool deployed = json_get(document, "deploy.path") && !json_true(document, "deploy.reused");

	return deployed || str_equal(json_string(document, "error.code"), error_word(ERROR_SPACE));
}

void sweeper_begin(struct sweeper *sweeper, const cJSON *document)
{
	struct error error;

	if (is_busy(sweeper) || !is_needed(document))
		return;
	AUTO_FREE char *program = proc_helper("dewy-sweep", PKGLIBEXECDIR);
	struct proc_spec spec = {.argv = (const char *[]){program, NULL}, .own_group = true};
	pid_t pid = proc_spawn(&spec, &error);
	if (pid < 0)
		log_warn("Cannot remove old releases", "error", error.message, "hint", error.hint);
	sweeper->pid = pid > 0 ? pid : 0;
}

void sweeper_end(struct sweeper *sweeper, long long timeout_ms, struct requests *requests)
{
	long long deadline = time_monotonic() + timeout_ms;
	int code, result = sweeper->pid ? 2 : 0;

	while (result == 2 && !requests->stop) {
		result = proc_wait_or(sweeper->pid, deadline - time_monotonic(), requests->fd, &code);
		if (result == 2)
			requests_read(requests);
	}
	if (result > 0) {
		log_info("Leaving the rest of what is to be removed to the next deployment");
		proc_stop(-sweeper->pid, GRACE_MS);
	}
	sweeper->pid = 0;
}
