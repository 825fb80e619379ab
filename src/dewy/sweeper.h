/* SPDX-License-Identifier: MIT */
/* dewy-sweep in the background: the server and whoever is told do not wait for the removal of what retention has let go of. */
#ifndef DEWY_SWEEPER_H
#define DEWY_SWEEPER_H

#include "dewy/requests.h"
#include "json.h"

#include <sys/types.h>

struct sweeper {
	pid_t pid; /* 0 for none */
};

/* Starts it when the document tells of a deployment that may have let go of something, or that there was no room for one, unless it
 * is still busy: what that one does not see any more, the next deployment removes. To be called after each run, because it reaps the
 * one that has ended. */
void sweeper_begin(struct sweeper *sweeper, const cJSON *document);

/* Waits for it, for timeout_ms at most; no longer than until a signal asks for the end. Then it is ended, and the next deployment
 * removes the rest. */
void sweeper_end(struct sweeper *sweeper, long long timeout_ms, struct requests *requests);

#endif
