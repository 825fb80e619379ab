/* SPDX-License-Identifier: MIT */
#include "dewy/sweeper.h"

#include "cleanup.h"
#include "error.h"
#include "log.h"
#include "proc.h"
#include "time.h"

enum { GRACE_MS = 2000 };

static bool is_busy(const struct sweeper *sweeper)
{
	int code;

	return sweeper->pid && proc_wait(sweeper->pid, 0, &code) > 0;
}

void sweeper_begin(struct sweeper *sweeper, const cJSON *document)
{
	struct error error;

	if (!json_get(document, "deploy.path") || json_true(document, "deploy.reused") || is_busy(sweeper))
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
