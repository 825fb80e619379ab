/* SPDX-License-Identifier: MIT */
#include "serve/copier.h"

#include "alloc.h"
#include "cleanup.h"
#include "error.h"
#include "log.h"
#include "signal_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { CHUNK = 65536, PATIENCE_MS = 1000, WAIT_MOST_MS = 60000 };

/* Its descriptors besides that of the signals. The file is what a log line goes to. */
enum { IN = STDIN_FILENO, FILE_OUT = STDERR_FILENO };

struct copier {
	const char *path;
	int signals; /* see signal_fd.h */
	bool open;
	bool torn; /* the file ends in the middle of a line */
	long long lost_lines, lost_bytes;
	int reason; /* errno of the last failure */
	size_t length;
	char waiting[CHUNK]; /* read and not written */
};

static int open_file(struct copier *copier)
{
	AUTO_CLOSE int fd = open(copier->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);

	if (fd < 0 || (fd != FILE_OUT && dup2(fd, FILE_OUT) < 0))
		return -1;
	if (fd == FILE_OUT)
		steal_fd(&fd);
	copier->open = true;
	copier->torn = false;
	return 0;
}

/* Says how much was lost. Returns 0, or -1 while nothing can be written. */
static int tell_loss(struct copier *copier)
{
	AUTO_FREE char *lines = xasprintf("%lld", copier->lost_lines), *bytes = xasprintf("%lld", copier->lost_bytes);

	if (copier->torn && write(FILE_OUT, "\n", 1) != 1)
		return -1;
	copier->torn = false;
	if (log_warn("Output was lost, as the log file could not be written", "lines", lines, "bytes", bytes, "error",
		     strerror(copier->reason)))
		return -1;
	copier->lost_lines = copier->lost_bytes = 0;
	return 0;
}

static void lose(struct copier *copier, const char *bytes, size_t length)
{
	copier->reason = errno;
	copier->lost_bytes += (long long)length;
	for (const char *at = bytes; (at = memchr(at, '\n', length - (size_t)(at - bytes))); at++)
		copier->lost_lines++;
}

static void put(struct copier *copier, const char *bytes, size_t length)
{
	size_t done = 0;
	ssize_t written;

	if ((copier->open || open_file(copier) == 0) && (!copier->lost_bytes || tell_loss(copier) == 0)) {
		while (done < length && (written = write(FILE_OUT, bytes + done, length - done)) > 0)
			done += (size_t)written;
		if (done)
			copier->torn = bytes[done - 1] != '\n';
	}
	if (done < length)
		lose(copier, bytes + done, length - done);
}

/* Writes the first bytes of what waits. */
static void flush(struct copier *copier, size_t length)
{
	put(copier, copier->waiting, length);
	copier->length -= length;
	memmove(copier->waiting, copier->waiting + length, copier->length);
}

/* Reads what is there, and writes the whole lines. Returns false at the end. */
static bool take(struct copier *copier)
{
	ssize_t got = read(IN, copier->waiting + copier->length, CHUNK - copier->length);

	if (got <= 0)
		return got < 0 && (errno == EINTR || errno == EAGAIN);
	copier->length += (size_t)got;
	const char *last = memrchr(copier->waiting, '\n', copier->length);
	if (last)
		flush(copier, (size_t)(last - copier->waiting) + 1);
	else if (copier->length == CHUNK)
		flush(copier, CHUNK);
	return true;
}

/* Opens the file again under its name, after somebody renamed it. */
static void reopen(struct copier *copier)
{
	if (open_file(copier) == 0)
		log_info("Log file opened again", "path", copier->path);
	else
		log_error("Keeping the log file of before", "path", copier->path, "error", strerror(errno));
}

static void take_signals(struct copier *copier)
{
	int number;

	while ((number = signal_fd_next(copier->signals)))
		if (number == SIGUSR1)
			reopen(copier);
}

/* Lets go of all that is the supervisor's. The signals that would end it are taken, and nothing is done about them. */
static void begin(struct copier *copier, int in)
{
	static const int taken[] = {SIGUSR1, SIGUSR2, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM};
	const struct sigaction ignored = {.sa_handler = SIG_IGN};
	struct error error;

	setpgid(0, 0); /* what a terminal sends to the group of the supervisor is not for it */
	prctl(PR_SET_NAME, "dewy-serve-log");
	dup2(in, IN);
	dup2(in, FILE_OUT); /* so that nothing else gets the number */
	close_range(IN + 1, FILE_OUT - 1, 0);
	close_range(FILE_OUT + 1, ~0U, 0);
	sigaction(SIGXFSZ, &ignored, NULL); /* a file that may not grow is one that cannot be written */
	copier->signals = signal_fd_open(taken, sizeof taken / sizeof *taken, &error);
	open_file(copier);
}

_Noreturn void copier_run(int in, const char *path)
{
	struct copier copier = {.path = path};
	bool more = true;

	begin(&copier, in);
	struct pollfd polled[] = {{.fd = copier.signals, .events = POLLIN}, {.fd = IN, .events = POLLIN}};
	while (more) {
		int ready = poll(polled, 2, copier.length ? PATIENCE_MS : WAIT_MOST_MS);
		if (ready > 0 && polled[0].revents)
			take_signals(&copier);
		if (ready > 0 && polled[1].revents)
			more = take(&copier);
		else if (ready == 0 && copier.length)
			flush(&copier, copier.length);
	}
	if (copier.length)
		flush(&copier, copier.length);
	if (copier.lost_bytes && copier.open)
		tell_loss(&copier);
	_exit(0);
}
