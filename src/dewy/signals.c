/* SPDX-License-Identifier: MIT */
#include "dewy/signals.h"

#include "cleanup.h"
#include "error.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>

int signals_open(struct signals *ret, struct error *error)
{
	static const int heard[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof heard / sizeof *heard; i++)
		sigaddset(&set, heard[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	*ret = (struct signals){.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
	return ret->fd >= 0 ? 0 : error_errno(error, errno, "cannot receive signals");
}

void signals_close(struct signals *signals)
{
	cleanup_close(&signals->fd);
	signals->fd = -1;
}

void signals_read(struct signals *signals)
{
	struct signalfd_siginfo signal;

	if (read(signals->fd, &signal, sizeof signal) != sizeof signal)
		return;
	if (signal.ssi_signo == SIGUSR1)
		signals->restart = true;
	else if (signal.ssi_signo == SIGHUP)
		signals->look = true;
	else if (signals->stop)
		signals->hurry = true;
	else
		signals->stop = (int)signal.ssi_signo;
}
