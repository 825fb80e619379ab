/* SPDX-License-Identifier: MIT */
#include "dewy/turn.h"

#include "alloc.h"
#include "error.h"
#include "lock.h"
#include "log.h"
#include "proc.h"

/* Says so when the process that holds the lock was stopped: it is not free before somebody sees to that. */
static void look_at_holder(const struct root *root)
{
	pid_t holder;

	if (lock_holder(root->state, "lock", &holder) <= 0 || !proc_is_stopped(holder))
		return;
	AUTO_FREE char *pid = xasprintf("%d", (int)holder), *hint = xasprintf("kill -CONT %s lets it go on", pid);
	log_warn("The run that holds the lock is stopped", "pid", pid, "hint", hint);
}

int turn_take(const struct root *root, long long wait_ms, struct error *error)
{
	int lock = lock_take(root->state, "lock", wait_ms, error);

	if (lock < 0 && error->code == ERROR_LOCKED)
		look_at_holder(root);
	return lock;
}
