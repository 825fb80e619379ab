/* SPDX-License-Identifier: MIT */
/* What a run is asked to do by signals, whatever it waits for. */
#ifndef DEWY_REQUESTS_H
#define DEWY_REQUESTS_H

#include <stdbool.h>

struct error;

struct requests {
	int fd;       /* see signal_fd.h, -1 for none */
	int stop;     /* the first of SIGTERM, SIGINT and SIGQUIT, 0 for none */
	bool hurry;   /* one more of them came */
	bool restart; /* SIGUSR1 */
	bool look;    /* SIGHUP */
};

/* Hears those signals from here on. Returns 0 or -1; the caller gives it to requests_close in both cases. */
int requests_open(struct requests *ret, struct error *error);

void requests_close(struct requests *requests);

/* Takes one signal that came, if there is one. */
void requests_read(struct requests *requests);

#endif
