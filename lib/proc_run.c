/* SPDX-License-Identifier: MIT */
#include "proc.h"

#include "cleanup.h"
#include "error.h"
#include "signal_fd.h"
#include "time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

enum { GRACE_MS = 5000, DRAIN_MS = 200, STEP_MS = 10 };

struct stream {
	int fd;
	struct buf *kept;
	size_t limit;
};

/* Reads what is there, keeps what fits, and closes the descriptor at its end. */
static void drain(struct stream *stream)
{
	char bytes[16384];
	ssize_t got = read(stream->fd, bytes, sizeof bytes);

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		close(stream->fd);
		stream->fd = -1;
		return;
	}
	size_t room = stream->limit - stream->kept->length;
	buf_add(stream->kept, bytes, (size_t)got < room ? (size_t)got : room);
}

/* What a running program is watched by. */
struct watch {
	struct stream streams[2];
	int end;          /* a pidfd of it, -1 for none */
	int signals;      /* a signalfd of those that would end this process, -1 for none */
	sigset_t ending;  /* the same, blocked */
	long long grace;  /* milliseconds from SIGTERM to SIGKILL */
	long long start; /* before the program was: it may run before this process does again */
};

/* Drains both streams, for at most milliseconds or until something else happens. */
static void drain_for(struct watch *watch, long long milliseconds)
{
	struct pollfd polled[4] = {{.fd = watch->streams[0].fd, .events = POLLIN},
				   {.fd = watch->streams[1].fd, .events = POLLIN},
				   {.fd = watch->end, .events = POLLIN},
				   {.fd = watch->signals, .events = POLLIN}};

	if (poll(polled, 4, (int)milliseconds) <= 0)
		return;
	for (int i = 0; i < 2; i++)
		if (watch->streams[i].fd >= 0 && polled[i].revents)
			drain(&watch->streams[i]);
}

static int read_signal(const struct watch *watch)
{
	const struct timespec nothing = {0};
	int number = sigtimedwait(&watch->ending, NULL, &nothing);

	return number > 0 ? number : 0;
}

/* Follows the program to its end. Returns the signal that was to end this process meanwhile, or 0. */
static int follow(pid_t pid, struct watch *watch, long long timeout_ms, struct proc_result *ret)
{
	long long deadline = watch->start + timeout_ms;
	long long most = watch->end >= 0 && watch->signals >= 0 ? 1000 : STEP_MS;
	int interrupted = 0;

	while (proc_wait(pid, 0, &ret->exit_code) == 1) {
		bool told = ret->timed_out || interrupted;
		if (!interrupted && (interrupted = read_signal(watch)))
			deadline = time_monotonic();
		long long left = deadline - time_monotonic();
		if (left <= 0) {
			kill(-pid, told ? SIGKILL : SIGTERM);
			ret->timed_out |= !interrupted;
			deadline = time_monotonic() + (told ? STEP_MS : watch->grace);
			continue;
		}
		drain_for(watch, left < most ? left : most);
	}
	ret->duration_ms = time_monotonic() - watch->start;
	if (ret->timed_out || interrupted)
		kill(-pid, SIGKILL); /* whoever of the group outlived its leader */
	watch->end = -1;
	for (long long end = time_monotonic() + DRAIN_MS;
	     (watch->streams[0].fd >= 0 || watch->streams[1].fd >= 0) && time_monotonic() < end;)
		drain_for(watch, DRAIN_MS);
	return interrupted;
}

/* Runs the program between its pipes. Returns 0, or -1. */
static int run_piped(const struct proc_spec *spec, int out[2], int err[2], size_t limit, long long timeout_ms,
		     struct proc_result *ret, struct error *error)
{
	static const int ending[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
	struct proc_spec piped = *spec;
	struct watch watch = {.streams = {{out[0], &ret->out, limit}, {err[0], &ret->err, limit}}};
	sigset_t before;

	watch.grace = spec->grace_ms ? spec->grace_ms : GRACE_MS;
	sigemptyset(&watch.ending);
	for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
		sigaddset(&watch.ending, ending[i]);
	sigprocmask(SIG_BLOCK, &watch.ending, &before);
	if (!piped.out)
		piped.out = out[1];
	piped.err = err[1];
	piped.own_group = true;
	watch.start = time_monotonic();
	pid_t pid = proc_spawn(&piped, error);
	close(out[1]);
	close(err[1]);
	AUTO_CLOSE int end = pid > 0 ? proc_pidfd(pid) : -1, signals = signal_fd_watch(&watch.ending);
	watch.end = end;
	watch.signals = signals;
	int interrupted = pid > 0 ? follow(pid, &watch, timeout_ms, ret) : 0;
	cleanup_close(&watch.streams[0].fd);
	cleanup_close(&watch.streams[1].fd);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (interrupted)
		raise(interrupted); /* what was held back while somebody had to be ended first */
	return pid > 0 ? 0 : -1;
}

int proc_run(const struct proc_spec *spec, size_t output_limit, long long timeout_ms, struct proc_result *ret, struct error *error)
{
	int out[2] = {-1, -1}, err[2] = {-1, -1};

	*ret = (struct proc_result){0};
	if (pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0)
		return run_piped(spec, out, err, output_limit, timeout_ms, ret, error);
	error_errno(error, errno, "cannot make a pipe");
	cleanup_close(&out[0]);
	cleanup_close(&out[1]);
	return -1;
}

void proc_result_free(struct proc_result *result)
{
	buf_free(&result->out);
	buf_free(&result->err);
}
