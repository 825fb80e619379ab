/* SPDX-License-Identifier: MIT */
#include "serve/loop.h"

#include "error.h"
#include "serve/output.h"
#include "serve/supervisor.h"
#include "time.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MOST_MS = 60000 };

int loop_open_signals(struct error *error)
{
	static const int taken[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGALRM, SIGCHLD};
	const struct sigaction standard = {.sa_handler = SIG_DFL}, ignored = {.sa_handler = SIG_IGN};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
		sigaction(taken[i], &standard, NULL); /* one that nohup(1) ignores would never be read */
		sigaddset(&set, taken[i]);
	}
	sigaction(SIGPIPE, &ignored, NULL);
	sigprocmask(SIG_SETMASK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? error_errno(error, errno, "cannot open a descriptor for signals") : fd;
}

static void reap(struct supervisor *supervisor, struct output *output)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!output_child_ended(output, pid))
			supervisor_child_ended(supervisor, pid, status);
}

static void take_signals(struct supervisor *supervisor, struct output *output, int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof info) == sizeof info) {
		int number = (int)info.ssi_signo;
		if (number == SIGHUP)
			supervisor_restart(supervisor);
		else if (number == SIGUSR1)
			output_reopen(output);
		else if (number == SIGTERM || number == SIGINT || number == SIGQUIT)
			supervisor_stop(supervisor, number);
	}
}

static void take_messages(struct supervisor *supervisor, int fd)
{
	char text[READINESS_TEXT];
	pid_t sender;

	while (readiness_receive(fd, &sender, text))
		supervisor_notified(supervisor, sender, text);
}

static int time_to_wait(const struct supervisor *supervisor, const struct output *output)
{
	long long next = supervisor_next_tick(supervisor), now = time_monotonic();

	if (output->restart_at < next)
		next = output->restart_at;
	if (next <= now)
		return 0;
	return next - now < WAIT_MOST_MS ? (int)(next - now) : WAIT_MOST_MS;
}

void loop_run(struct supervisor *supervisor, struct output *output, int signals, int messages)
{
	struct pollfd polled[] = {{.fd = signals, .events = POLLIN}, {.fd = messages, .events = POLLIN}};

	for (;;) {
		supervisor_tick(supervisor);
		output_tick(output);
		if (supervisor->phase == PHASE_DONE)
			return;
		poll(polled, 2, time_to_wait(supervisor, output));
		take_signals(supervisor, output, signals);
		/* After the signals, or a SIGCHLD among them would be lost; before the messages: who is dead is not ready. */
		reap(supervisor, output);
		take_messages(supervisor, messages);
	}
}
