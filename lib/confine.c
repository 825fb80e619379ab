/* SPDX-License-Identifier: MIT */
#include "confine.h"

#include "confine_steps.h"
#include "error.h"
#include "landlock.h"
#include "log.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const versions[] = {"none", "none", "only ABI 2", "only ABI 3", "only ABI 4", "only ABI 5"};

/* By syscall(2), as all of Landlock: each function of the C library costs a look-up at every start. */
static int refuse_privileges(struct confine_missing *missing, struct error *error)
{
	if (syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		return 0;
	if (!error_is_unsupported(errno) && errno != EINVAL)
		return error_errno(error, errno, "cannot give up privileges");
	missing->privileges = "none";
	return 0;
}

int confine_files(const struct landlock_rules *rules, struct confine_missing *missing, struct error *error)
{
	if (refuse_privileges(missing, error))
		return -1;
	long version = landlock_restrict(rules);
	if (version < 0)
		return error_errno(error, errno, "cannot set up Landlock");
	if (version < LANDLOCK_FULL)
		missing->landlock = versions[version];
	return 0;
}

void confine_log(const struct confine_missing *missing)
{
	if (missing->privileges || missing->landlock || missing->seccomp || missing->capabilities || missing->descriptors ||
	    missing->limits)
		log_debug("Not confined", "no_new_privs", missing->privileges, "landlock", missing->landlock, "seccomp",
			  missing->seccomp, "capset", missing->capabilities, "close_range", missing->descriptors, "limits",
			  missing->limits);
}

int confine_self(const struct landlock_rules *rules, struct error *error)
{
	struct confine_missing missing = {0};

	if (confine_files(rules, &missing, error))
		return -1;
	confine_log(&missing);
	return 0;
}
