/* SPDX-License-Identifier: MIT */
/* ROOT/.dewy/metrics.json: what the metrics are made of (metrics.def tells where each one is in it), and besides
 *     "since"     when the counters began, in milliseconds since the epoch, as all times here
 *     "recorded"  the last document, as "ID STATE"
 *     "counted"   those of the last that ended, so that none counts twice, however often it comes by
 *     "failure"   the failure that the last failed runs had in common, with the id of the first of them, and a message where that
 *                 counts, too
 *     "exported_at", "traced"   when metrics were last sent by OTLP, and the last document whose trace was
 *     "failing"   what does not work: an object with "file", "traces" and "metrics" */
#ifndef DEWY_METRICS_STATE_H
#define DEWY_METRICS_STATE_H

#include "json.h"
#include "root/root.h"

#include <stdbool.h>

#define METRICS_STATE "metrics.json"

struct metrics_state {
	const struct root *root;
	int lock;
	cJSON *json;
};

#define AUTO_METRICS AUTO(metrics_state_close)

/* Takes the lock of the state, and reads it. Creates ROOT/.dewy when it is not there. Returns 0 or -1; the caller gives the state
 * to metrics_state_close in both cases, before it waits for anything. */
int metrics_state_open(struct metrics_state *state, struct root *root, struct error *error);

void metrics_state_close(struct metrics_state *state);

/* Writes the state. What only moves on with each run need not be durable. Returns 0 or -1. */
int metrics_state_save(const struct metrics_state *state, bool durable, struct error *error);

/* Notes whether what ("file", "traces" or "metrics") works, with failure NULL, or why it does not. That is said once, as a warning,
 * and only for those who want to know all at each further failure; the first success after it is said, too. */
void metrics_state_note(struct metrics_state *state, const char *what, const struct error *failure);

#endif
