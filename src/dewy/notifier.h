/* SPDX-License-Identifier: MIT */
/* dewy-notify in the background: it is handed the document whenever there is something new to tell, one process at a time, and
 * nothing waits for it until the deployment is over. */
#ifndef DEWY_NOTIFIER_H
#define DEWY_NOTIFIER_H

#include "dewy/requests.h"
#include "json.h"

#include <sys/types.h>

struct notifier {
	pid_t pid;  /* of the process that is telling, 0 for none */
	int output; /* what it prints, -1 for none */
	int told;   /* how many notices were handed over */
};

/* Tells what is new in the document, unless a process is still busy with what came before. */
void notifier_offer(struct notifier *notifier, cJSON *document);

/* Hands over the document whatever is in it, unless a process is still busy with what came before. */
void notifier_begin(struct notifier *notifier, cJSON *document);

/* Waits for the busy process, if there is one, as notifier_finish does, and hands over nothing more. */
void notifier_wait(struct notifier *notifier, cJSON *document, long long timeout_ms, struct requests *requests);

/* Tells the end of the document: waits for the busy process, hands over the rest, and waits for that, for timeout_ms at most; a
 * signal that asks for the end leaves it five seconds more, a second one none. Then the process is ended. Marks in the document
 * what was sent. */
void notifier_finish(struct notifier *notifier, cJSON *document, long long timeout_ms, struct requests *requests);

/* Reaps the process that is telling the document if it has ended. Returns a pidfd of one that has not, for the caller to close, or
 * -1. */
int notifier_tend(struct notifier *notifier, cJSON *document);

/* Ends the busy process, if there is one: what it has not told stays untold. */
void notifier_stop(struct notifier *notifier, cJSON *document);

#endif
