/* SPDX-License-Identifier: MIT */
/* What a run is told by signals, whatever it waits for. */
#ifndef DEWY_SIGNALS_H
#define DEWY_SIGNALS_H

#include <stdbool.h>

struct error;

struct signals {
	int fd;       /* a signalfd of all of them, -1 for none */
	int stop;     /* the first of SIGTERM, SIGINT and SIGQUIT, 0 for none */
	bool hurry;   /* one more of them came */
	bool restart; /* SIGUSR1 */
	bool look;    /* SIGHUP */
};

/* Blocks the signals from here on, and opens fd for them. Returns 0 or -1; the caller gives it to signals_close in both cases. */
int signals_open(struct signals *ret, struct error *error);

void signals_close(struct signals *signals);

/* Takes one signal that came, if there is one. */
void signals_read(struct signals *signals);

#endif
