/* SPDX-License-Identifier: MIT */
/* One stage of the pipe as a child process, which signals may end. */
#ifndef DEWY_STEP_H
#define DEWY_STEP_H

#include "document.h"

#include <stdbool.h>
#include <sys/types.h>

struct cycle;
struct error;

struct step {
	const char *program;
	const char *stage;
	enum state acts_on; /* where another stage comes before it */
	bool goes_back;     /* it is a rollback */
	bool server_only;
	bool may_be_abandoned; /* nothing but the cache has changed until it ends */
};

/* True when signals ask for an end that the step is not to delay. */
bool step_is_abandoned(const struct cycle *cycle, const struct step *step);

/* Runs the stage on the document in text, "" for none, with the lock, 0 for none. Returns 0 with what it printed, which the caller
 * deletes; or -1 when that is no document. */
int step_run(struct cycle *cycle, const struct step *step, int lock, const char *text, cJSON **ret_document, struct error *error);

/* Waits for the process of a stage; signals end it when they abandon it, and are remembered for after it otherwise. Returns its
 * exit code, or -1 when it took longer than --stage-timeout and was ended. */
int step_await(struct cycle *cycle, const struct step *step, pid_t pid, struct error *error);

#endif
