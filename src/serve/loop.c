/* SPDX-License-Identifier: MIT */
#include "serve/loop.h"

#include "error.h"
#include "serve/follow.h"
#include "serve/service.h"
#include "signal_fd.h"

#include <signal.h>
#include <sys/wait.h>

enum { MESSAGES_A_TURN = 32 };

int loop_open_events(struct events *events, struct error *error)
{
	static const int taken[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD};
	const struct sigaction ignored = {.sa_handler = SIG_IGN};

	sigaction(SIGPIPE, &ignored, NULL);
	return events_open(events, taken, sizeof taken / sizeof *taken, error);
}

static void reap(struct service *service)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!output_child_ended(&service->output, pid) && !reexec_child_ended(service, pid, status))
			supervisor_child_ended(&service->supervisor, pid, status);
}

static void take_signals(struct service *service)
{
	int number;

	while ((number = signal_fd_next(service->events.signals))) {
		if (number == SIGHUP)
			supervisor_restart(&service->supervisor);
		else if (number == SIGUSR1)
			output_reopen(&service->output);
		else if (number == SIGUSR2)
			reexec_begin(service);
		else if (number == SIGTERM || number == SIGINT || number == SIGQUIT)
			supervisor_stop(&service->supervisor, number);
	}
}

/* Any user can send some, without end: the rest waits for the next turn. */
static void take_messages(struct service *service)
{
	char text[READINESS_TEXT];
	pid_t sender;

	for (int i = 0; i < MESSAGES_A_TURN && readiness_receive(service->messages, &sender, text); i++)
		supervisor_notified(&service->supervisor, sender, text);
}

static long long next_tick(const struct service *service)
{
	long long next = supervisor_next_tick(&service->supervisor);

	if (service->output.restart_at < next)
		next = service->output.restart_at;
	return service->reexec.due < next ? service->reexec.due : next;
}

void loop_run(struct service *service)
{
	for (;;) {
		follow_root(service);
		take_signals(service);
		/* After the signals, or a SIGCHLD among them would be lost; before the messages: who is dead is not ready. */
		reap(service);
		take_messages(service);
		supervisor_tick(&service->supervisor);
		output_tick(&service->output);
		reexec_tick(&service->reexec);
		if (service->supervisor.phase == PHASE_DONE)
			return;
		events_wait(&service->events, next_tick(service), &service->messages, 1);
	}
}
