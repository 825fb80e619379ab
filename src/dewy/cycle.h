/* SPDX-License-Identifier: MIT */
/* One pass through the pipe under the lock of ROOT: the stages as child processes, one after the other, and the notifier
 * beside them. */
#ifndef DEWY_CYCLE_H
#define DEWY_CYCLE_H

#include "json.h"
#include "options.h"
#include "root/root.h"

struct error;

struct cycle {
	const struct options *options;
	struct root *root;
	int signals;            /* a signalfd of the signals that end the cycle, -1 for none */
	const char *rollback;   /* version to go back to instead of asking the registry, "" for the previous one; NULL */
	const char *mode;       /* server or assets */
	int stop;               /* the signal that ended it, 0 for none */
	bool restart;           /* SIGUSR1 came meanwhile */
	cJSON *document;        /* in: where to begin, NULL for the beginning; out: how it ended; the caller deletes it */
};

/* Opens ROOT and prepares cycle for the options: the mode from --mode, or from whether a command follows "--"; a signalfd for
 * the signals that end it, which are blocked from here on, and SIGUSR1. The options are put into the environment for the
 * stages. Returns 0, or -1; the caller gives the cycle to cycle_end in both cases. */
int cycle_begin(struct cycle *cycle, const struct options *options, const char *mode, struct root *root, struct error *error);

void cycle_end(struct cycle *cycle);

/* Runs the cycle. Returns the exit status; or -1, with ERROR_LOCKED when another run holds the lock. */
int cycle_run(struct cycle *cycle, struct error *error);

/* Takes a signal that came: SIGUSR1 asks for a restart, SIGHUP for nothing, any other ends the cycle. */
void cycle_read_signal(struct cycle *cycle);

#endif
