/* SPDX-License-Identifier: MIT */
/* ROOT itself, and its lock. */
#include "doctor/doctor.h"

#include "alloc.h"
#include "doctor/process.h"
#include "lock.h"
#include "proc.h"
#include "str.h"
#include "time.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONG_MS = 3600000 }; /* what a stage may take */

/* Returns the name of a user, or the number; the caller frees it. */
static char *name_of(uid_t uid)
{
	const struct passwd *user = getpwuid(uid);

	return user ? xstrdup(user->pw_name) : xasprintf("user %u", (unsigned)uid);
}

static void refuse_write(int dir, const char *path, struct verdict *verdict)
{
	struct error error;
	struct stat status = {0};
	int number = errno;

	fstat(dir, &status);
	AUTO_FREE char *owner = name_of(status.st_uid), *user = name_of(geteuid());
	error_errno(&error, number, "%s may not write to %s", user, path);
	error_hint(&error,
		   number == EROFS ? "mount the file system writable" : "run as %s, or give the directory to %s with chown -R",
		   owner, user);
	verdict_fail(verdict, &error);
}

static void look_at_directory(int dir, const char *path, struct verdict *verdict)
{
	if (dir >= 0 && faccessat(dir, ".", W_OK | X_OK, AT_EACCESS))
		refuse_write(dir, path, verdict);
}

void doctor_root(struct doctor *doctor, struct verdict *verdict)
{
	struct root *root = &doctor->root;
	struct error error;
	struct stat status;

	if (root_open(root, option_string(doctor->options, OPT_ROOT), &error)) {
		verdict_fail(verdict, &error);
		root_close(root); /* what this user may read can still be looked at */
		doctor->rooted = root_look(root, option_string(doctor->options, OPT_ROOT), &error) == 0;
		return;
	}
	doctor->rooted = true;
	AUTO_FREE char *state = xasprintf("%s/.dewy", root->path), *releases = xasprintf("%s/releases", root->path);
	look_at_directory(root->fd, root->path, verdict);
	look_at_directory(root->state, state, verdict);
	look_at_directory(root->releases, releases, verdict);
	if (verdict->result == RESULT_FAIL || fstat(root->fd, &status))
		return;
	AUTO_FREE char *owner = name_of(status.st_uid), *user = name_of(geteuid());
	verdict_ok(verdict, "%s, of %s, mode %04o, %s may write", root->path, owner, (unsigned)status.st_mode & 07777, user);
}

void doctor_lock(struct doctor *doctor, struct verdict *verdict)
{
	pid_t pid = 0;
	int held = doctor->root.state >= 0 ? lock_holder(doctor->root.state, "lock", &pid) : 0;
	AUTO_BUF struct buf age = {0};
	struct error error;

	doctor->locked = held > 0;
	if (held < 0 || !doctor->rooted)
		verdict_skip(verdict, held < 0 ? "the kernel does not tell who holds locks" : "there is no root to look into");
	else if (!held)
		verdict_ok(verdict, "no run is under way");
	if (held <= 0)
		return;
	AUTO_FREE char *name = process_describe(pid);
	long long began = proc_started_at(pid), lasts = time_now() - began;
	str_add_duration(&age, lasts / 1000 * 1000);
	/* A watch takes the lock for each run anew, and is older than any. */
	if (began >= 0 && (lasts < LONG_MS || process_is_watch(name))) {
		verdict_ok(verdict, "a run is under way: process %d (%s), which began %s ago", (int)pid, name, buf_text(&age));
		return;
	}
	if (began < 0)
		error_set(&error, ERROR_LOCKED, "the lock is held for process %d, which has ended, by a child of it", (int)pid);
	else
		error_set(&error, ERROR_LOCKED, "the lock is held by process %d (%s), which began %s ago", (int)pid, name,
			  buf_text(&age));
	error_hint(&error, "see what it waits for, with ps -ef and in the log; no run deploys anything meanwhile");
	verdict_warn(verdict, &error);
}
