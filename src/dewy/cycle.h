/* SPDX-License-Identifier: MIT */
/* One pass through the pipe under the lock of ROOT: the stages as child processes, one after the other, and the notifier
 * beside them. */
#ifndef DEWY_CYCLE_H
#define DEWY_CYCLE_H

#include "dewy/notifier.h"
#include "dewy/requests.h"
#include "dewy/sweeper.h"
#include "json.h"
#include "options.h"
#include "root/root.h"

struct error;

struct cycle {
	const struct options *options;
	struct root *root;
	struct requests requests; /* those that came, and more to come */
	bool ends_server;       /* the server ends together with this process */
	const char *rollback;   /* version to go back to instead of asking the registry, "" for the previous one; NULL */
	bool restarts;          /* restart the server instead of that; false after a run that had none to restart */
	const char *mode;       /* server or assets */
	const char *greeting;   /* what people are to hear first of the next run; NULL for nothing, and once a run has it */
	int refusals;           /* runs in a row that could not begin */
	struct sweeper sweeper;   /* removes old releases, beside whatever comes next */
	struct notifier exporter; /* sends metrics, beside whatever comes next */
	cJSON *document;        /* how it ended, NULL before the run; the caller deletes it */
};

/* Opens ROOT and prepares cycle for the options: the mode from mode, or when that is NULL from the options; the signals. The
 * options are put into the environment for the stages. Returns 0, or -1; the caller gives the cycle to cycle_end in both cases. */
int cycle_begin(struct cycle *cycle, const struct options *options, const char *mode, struct root *root, struct error *error);

/* Waits for metrics that are being sent, and old releases that are being removed, unless a signal asks for the end, and frees the
 * cycle. */
void cycle_end(struct cycle *cycle);

/* Runs the cycle. Of runs that cannot begin, unless another one holds the lock, people hear of the first three in a row, for
 * nobody else may be able to count them. A first signal that asks for the end abandons the check and the download, and lets later
 * stages finish; a second one abandons those, too. The notifier has five more seconds after the first. Returns the exit status; or
 * -1, with ERROR_LOCKED when another run holds the lock. */
int cycle_run(struct cycle *cycle, struct error *error);

/* Ends the supervisor and its server, if one runs, and waits for that, within the time-out that it has for its workers; a second
 * signal ends the waiting. Returns 0 or -1. */
int cycle_stop_server(struct cycle *cycle, struct error *error);

#endif
