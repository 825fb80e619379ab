/* SPDX-License-Identifier: MIT */
#include "dewy/requests.h"

#include "cleanup.h"
#include "signal_fd.h"

int requests_open(struct requests *ret, struct error *error)
{
	static const int heard[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1};

	*ret = (struct requests){.fd = signal_fd_open(heard, sizeof heard / sizeof *heard, error)};
	return ret->fd < 0 ? -1 : 0;
}

void requests_close(struct requests *requests)
{
	cleanup_close(&requests->fd);
	requests->fd = -1;
}

void requests_read(struct requests *requests)
{
	int number = signal_fd_next(requests->fd);

	if (!number)
		return;
	if (number == SIGUSR1)
		requests->restart = true;
	else if (number == SIGHUP)
		requests->look = true;
	else if (requests->stop)
		requests->hurry = true;
	else
		requests->stop = number;
}
