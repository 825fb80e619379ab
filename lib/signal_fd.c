/* SPDX-License-Identifier: MIT */
#include "signal_fd.h"

#include "cleanup.h"
#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#ifdef HAVE_SIGNALFD
#include <sys/signalfd.h>
#endif

/* What handlers need. A signal is counted here, so that a full pipe loses none; the byte in the pipe only wakes. */
static volatile sig_atomic_t came[NSIG];
static int pipe_end = -1, pipe_start = -1;
static sigset_t taken;

int signal_fd_watch(const sigset_t *set)
{
#ifdef HAVE_SIGNALFD
	return signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
#else
	(void)set;
	return -1;
#endif
}

static void on_signal(int number)
{
	int saved = errno;

	came[number] = 1;
	ssize_t written = write(pipe_end, "", 1);
	(void)written;
	errno = saved;
}

static int open_pipe(const int *numbers, size_t count)
{
	const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -1;
	pipe_start = ends[0];
	pipe_end = ends[1];
	for (size_t i = 0; i < count; i++)
		sigaction(numbers[i], &action, NULL);
	sigprocmask(SIG_UNBLOCK, &taken, NULL);
	return pipe_start;
}

int signal_fd_open(const int *numbers, size_t count, struct error *error)
{
	const struct sigaction standard = {.sa_handler = SIG_DFL};

	sigemptyset(&taken);
	for (size_t i = 0; i < count; i++)
		sigaddset(&taken, numbers[i]);
	sigprocmask(SIG_SETMASK, &taken, NULL); /* at no time are they let through */
	for (size_t i = 0; i < count; i++)
		sigaction(numbers[i], &standard, NULL); /* one that nohup(1) ignores would never be read */
	int fd = signal_fd_watch(&taken);
	if (fd < 0)
		fd = open_pipe(numbers, count);
	return fd < 0 ? error_errno(error, errno, "cannot open a descriptor for signals") : fd;
}

static int next_of_pipe(void)
{
	char bytes[64];

	while (read(pipe_start, bytes, sizeof bytes) > 0)
		; /* before the search: one that comes after it leaves its byte */
	for (int number = 1; number < NSIG; number++) {
		if (!came[number])
			continue;
		came[number] = 0;
		return number;
	}
	return 0;
}

int signal_fd_next(int fd)
{
	if (fd == pipe_start)
		return next_of_pipe();
#ifdef HAVE_SIGNALFD
	struct signalfd_siginfo info;
	return read(fd, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
#else
	return 0;
#endif
}

void signal_fd_hold(void)
{
	int number;

	sigprocmask(SIG_BLOCK, &taken, NULL);
	while (pipe_start >= 0 && (number = next_of_pipe()))
		raise(number); /* one that is blocked and pending outlives execve(2) */
}

void signal_fd_release(int fd)
{
	if (fd == pipe_start)
		sigprocmask(SIG_UNBLOCK, &taken, NULL);
}
