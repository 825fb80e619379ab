/* SPDX-License-Identifier: MIT */
/* dewy-notify in the background: it is handed the document whenever there is something new to tell, also while an earlier process
 * is still busy with a channel that does not answer, because the others are to hear it. Nothing waits for it until the deployment
 * is over. */
#ifndef DEWY_NOTIFIER_H
#define DEWY_NOTIFIER_H

#include "dewy/requests.h"
#include "json.h"

#include <stdbool.h>
#include <sys/types.h>

enum { NOTIFIER_PROCESSES = 4 }; /* for each stage that has something to tell, and for the end */

struct notifier {
	struct notifier_process {
		pid_t pid;  /* 0 for none */
		int output; /* what it prints */
	} processes[NOTIFIER_PROCESSES];
	bool exports; /* metrics and traces, which no people miss */
	int told;     /* how many notices were handed over */
	int relay;    /* by which all processes of a run know of the last one (relay.h), 0 for none */
};

/* Tells what is new in the document of a run, whose end notifier_finish is to tell. */
void notifier_offer(struct notifier *notifier, cJSON *document);

/* Hands over a document that has no more to come, whatever is in it, unless a process is still busy with what came before. */
void notifier_begin(struct notifier *notifier, cJSON *document);

/* Waits for all that are telling, for timeout_ms at most; a signal that asks for the end leaves them five seconds more, a second
 * one none. Then they are ended. Marks in the document what was sent. */
void notifier_wait(struct notifier *notifier, cJSON *document, long long timeout_ms, struct requests *requests);

/* Tells the end of the document, and waits as notifier_wait does. */
void notifier_finish(struct notifier *notifier, cJSON *document, long long timeout_ms, struct requests *requests);

/* Ends the busy processes, if there are any: what they have not told stays untold, and they remember that. Marks in the document
 * what was sent. */
void notifier_stop(struct notifier *notifier, cJSON *document);

#endif
