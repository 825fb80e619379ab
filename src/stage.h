/* SPDX-License-Identifier: MIT */
/* The one driver of all stages: read the document, act or pass it on by its state, write it, exit with its status. */
#ifndef DEWY_STAGE_H
#define DEWY_STAGE_H

#include "document.h"
#include "options.h"
#include "root/root.h"

struct error;

/* What the step of a stage works on. */
struct stage_run {
	const struct options *options;
	struct root *root;
	cJSON *document;
	long long started_at; /* milliseconds on the monotonic clock */
};

struct stage {
	struct tool tool;
	const char *name;  /* of the stage and of its section in the document */
	unsigned user;     /* its bit in options.h */
	unsigned acts_on;  /* bits 1 << enum state; a document in any other state is passed through */
	bool server_only;  /* passes documents in assets mode through */
	bool takes_lock;   /* the step changes ROOT */
	bool keeps_state;  /* a failure of the step is logged, and does not make the document a failed one */

	/* True when the stage begins with a new document instead of reading one; NULL: it always reads. */
	bool (*begins)(const struct options *options);

	/* Checks what the options say before anything is read. Returns 0, or -1 with the error; NULL: there is nothing to check. */
	int (*check)(const struct options *options, struct error *error);

	/* The step. Sets the next state and its section of the document. Returns 0, or -1 with the error. */
	int (*run)(struct stage_run *run, struct error *error);

	/* What nobody is to wait for: called after the document is out, standard output closed and the lock free, unless the caller
	 * has handed the lock down: that one runs the next stages first, and sees to it then. NULL for nothing. */
	void (*afterwards)(const struct stage_run *run);

	/* Records in the history what came to its end here: history_append, or NULL for a stage after which nothing is over, and
	 * which so does without the library that it takes. */
	int (*record)(const struct root *root, const cJSON *lines, struct error *error);

	/* Instead of the step, with --dry-run: says by plan_step what it would do, and changes nothing but that in the document,
	 * which may be in one of the states plans_on. Returns 0, or -1 with what would keep it from that; NULL: there is no dry
	 * run. */
	int (*plan)(struct stage_run *run, struct error *error);
	unsigned plans_on;
};

/* Runs the stage. Returns the exit status of the process. */
int stage_main(const struct stage *stage, int argc, char **argv);

#endif
