/* SPDX-License-Identifier: MIT */
#include "serve/pidfile.h"

#include "alloc.h"
#include "cleanup.h"
#include "error.h"
#include "fs.h"
#include "lock.h"
#include "log.h"
#include "proc.h"
#include "serve/status.h"
#include "time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum {
	READERS_MS = 1000, /* readers lock the file for a moment to see whether anybody holds it */
	GRACE_MS = 10000,  /* whoever starts a supervisor waits for all of this */
	KILLED_MS = 5000,
	STEP_MS = 20,
};

static int explain_holder(const char *path, struct error *error)
{
	struct error ignored;
	pid_t holder = 0;

	serve_is_running(path, &holder, &ignored);
	error_set(error, ERROR_LOCKED, "another supervisor (pid %d) holds the pid file %s", (int)holder, path);
	return error_hint(error, "end it with dewy-serve --stop --pid-file %s, or give another --pid-file", path);
}

int pidfile_take(const char *path, struct error *error)
{
	for (;;) {
		AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644); /* it is for others to read */
		if (fd < 0)
			return error_errno(error, errno, "cannot open the lock %s", path);
		if (lock_open(fd, AT_FDCWD, path, READERS_MS, error))
			return error->code == ERROR_LOCKED ? explain_holder(path, error) : -1;
		if (!lock_is_ours(fd, AT_FDCWD, path)) /* its last holder removed it meanwhile */
			continue;
		if (ftruncate(fd, 0)) /* nobody is to take the pid of its last holder for that of this one */
			return error_errno(error, errno, "cannot write the pid file %s", path);
		return steal_fd(&fd);
	}
}

int pidfile_write(int fd, const char *path, struct error *error)
{
	AUTO_FREE char *text = xasprintf("%d\n", (int)getpid());

	if (fs_write_all(fd, text, strlen(text)))
		return error_errno(error, errno, "cannot write the pid file %s", path);
	return 0;
}

/* A worker that outlived its supervisor. */
struct orphan {
	pid_t pid;
	int end; /* a pidfd, -1 where there is none */
};

/* Tells the process to end when it is one. The pidfd comes first: what is looked at after that may be another process with the same
 * number, but the signal never gets there. */
static struct orphan tell_orphan(pid_t pid, long long written_at)
{
	struct orphan orphan = {.pid = pid, .end = pid > 0 ? proc_pidfd(pid) : -1};
	AUTO_FREE char *text = xasprintf("%d", (int)pid);

	if (!serve_status_means(pid, written_at)) {
		cleanup_close(&orphan.end);
		return (struct orphan){.end = -1};
	}
	log_warn("Ending a worker of a supervisor that was killed", "pid", text);
	proc_signal(pid, orphan.end, SIGTERM);
	return orphan;
}

/* Returns 0 once the process is gone, 1 when it is still there at the deadline. */
static int await_end(const struct orphan *orphan, long long written_at, long long deadline)
{
	struct pollfd polled = {.fd = orphan->end, .events = POLLIN};

	while (serve_status_means(orphan->pid, written_at)) {
		long long left = deadline - time_monotonic(), most = orphan->end >= 0 ? left : STEP_MS;
		if (left <= 0)
			return 1;
		poll(&polled, 1, (int)(left < most ? left : most));
	}
	return 0;
}

/* As await_end, for what is in its process group. */
static int await_group(pid_t group, long long deadline)
{
	while (proc_group_lives(group)) {
		if (time_monotonic() >= deadline)
			return 1;
		time_sleep(STEP_MS);
	}
	return 0;
}

static void end_orphan(struct orphan *orphan, long long written_at, long long deadline)
{
	if (orphan->pid <= 0)
		return;
	int lives = await_end(orphan, written_at, deadline);
	cleanup_close(&orphan->end);
	if (!lives)
		kill(-orphan->pid, SIGTERM); /* what it left behind has the sockets, too */
	if (!lives && !await_group(orphan->pid, deadline))
		return;
	kill(-orphan->pid, SIGKILL);
	await_group(orphan->pid, time_monotonic() + KILLED_MS);
}

void pidfile_end_orphans(const char *status_file, long long timeout)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	long long deadline = time_monotonic() + (timeout < GRACE_MS ? timeout : GRACE_MS);
	long long written_at = serve_status_written_at(status_file);
	struct error ignored;

	if (written_at < 0 || serve_status_read(status_file, &status, &ignored))
		return;
	AUTO_FREE struct orphan *orphans = xcalloc(status.count + 1, sizeof *orphans);
	for (size_t i = 0; i < status.count; i++)
		orphans[i] = tell_orphan(status.workers[i].pid, written_at);
	orphans[status.count] = tell_orphan(status.starting.pid, written_at);
	for (size_t i = 0; i <= status.count; i++) /* all were told first: the sockets are free when the slowest has ended */
		end_orphan(&orphans[i], written_at, deadline);
}
