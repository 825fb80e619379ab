/* SPDX-License-Identifier: MIT */
/* The programs that a run starts, and what the kernel has for them. */
#include "doctor/doctor.h"

#include "alloc.h"
#include "check/remote.h"
#include "landlock.h"
#include "proc.h"
#include "seccomp.h"
#include "str.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { OUTPUT_LIMIT = 4096, ANSWER_MS = 5000 };

/* Asks a program for its version. */
static void look_at_program(const char *path, struct verdict *verdict)
{
	static const char expected[] = PACKAGE_NAME " " PACKAGE_VERSION "\n";
	const char *const argv[] = {path, "--version", NULL};
	struct proc_result result;
	struct error error;

	if (proc_run(&(struct proc_spec){.argv = argv}, OUTPUT_LIMIT, ANSWER_MS, &result, &error)) {
		error.code = ERROR_CONFIG;
		error_hint(&error, "install dewy again, all of it in one go");
		verdict_fail(verdict, &error);
		return;
	}
	const char *version = buf_text(&result.out);
	if (result.timed_out || !str_equal(version, expected)) {
		error_set(&error, ERROR_CONFIG, "%s --version says %.*s, not " PACKAGE_VERSION, path, (int)strcspn(version, "\n"),
			  result.timed_out ? "nothing" : *version ? version : "nothing");
		error_hint(&error, "install dewy again, all of it in one go");
		verdict_fail(verdict, &error);
	}
	proc_result_free(&result);
}

void doctor_programs(struct doctor *doctor, struct verdict *verdict)
{
	static const char *const names[] = {"dewy",         "dewy-check",  "dewy-fetch", "dewy-deploy",
					    "dewy-restart", "dewy-notify", "dewy-serve"};
	AUTO_FREE char *remote = remote_program();
	AUTO_FREE char *history = proc_helper("dewy-history", PKGLIBEXECDIR), *sweep = proc_helper("dewy-sweep", PKGLIBEXECDIR);
	struct error error;

	(void)doctor;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		AUTO_FREE char *path = proc_sibling(names[i]);
		look_at_program(path, verdict);
	}
	look_at_program(remote, verdict);
	look_at_program(history, verdict);
	look_at_program(sweep, verdict);
	if (access("/bin/sh", X_OK)) {
		error_set(&error, ERROR_CONFIG, "there is no /bin/sh, which hooks are run by");
		error_hint(&error, "install a shell, or use no hooks");
		verdict_warn(verdict, &error);
	}
	if (verdict->result == RESULT_SKIP)
		verdict_ok(verdict, "all are there, of version " PACKAGE_VERSION);
}

void doctor_kernel(struct doctor *doctor, struct verdict *verdict)
{
	AUTO_CLOSE int pidfd = proc_pidfd(getpid());
	long landlock = landlock_version();
	struct utsname name;

	(void)doctor;
	uname(&name);
	verdict_ok(verdict, "%s %s on %s", name.sysname, name.release, name.machine);
	if (landlock >= LANDLOCK_LEAST)
		verdict_ok(verdict, "Landlock %ld%s", landlock,
			   landlock < LANDLOCK_FULL ? ", which lacks some of what dewy uses" : "");
	else
		verdict_ok(verdict, "no Landlock: what reads archives and registries is not confined by it");
	verdict_ok(verdict, seccomp_is_there() ? "seccomp" : "no seccomp: what reads archives is not confined by it");
	verdict_ok(verdict, pidfd >= 0 ? "pidfd" : "no pidfd: processes are polled");
}
