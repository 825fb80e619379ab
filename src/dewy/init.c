/* SPDX-License-Identifier: MIT */
#include "dewy/init.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void reap_until_end_of(pid_t child, const sigset_t *heard)
{
	int status, number;
	pid_t ended;

	for (;;) {
		while ((ended = waitpid(-1, &status, WNOHANG)) > 0)
			if (ended == child)
				_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
		number = sigwaitinfo(heard, NULL);
		if (number > 0 && number != SIGCHLD)
			kill(child, number);
	}
}

bool init_split(void)
{
	static const int handed_on[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1};
	sigset_t heard, before;

	if (getpid() != 1)
		return false;
	sigemptyset(&heard);
	sigaddset(&heard, SIGCHLD);
	for (size_t i = 0; i < sizeof handed_on / sizeof *handed_on; i++)
		sigaddset(&heard, handed_on[i]);
	signal(SIGCHLD, SIG_DFL); /* a parent that ignored it would never hear of its children */
	sigprocmask(SIG_BLOCK, &heard, &before);
	pid_t child = fork();
	if (child > 0)
		reap_until_end_of(child, &heard);
	if (child < 0) {
		fprintf(stderr, "dewy: cannot start a process: %s; raise the limit of processes of the container\n",
			strerror(errno));
		_exit(1);
	}
	setpgid(0, 0); /* what a terminal sends goes to process 1 alone, which hands it on once */
	sigprocmask(SIG_SETMASK, &before, NULL);
	return true;
}
