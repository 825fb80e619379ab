/* SPDX-License-Identifier: MIT */
/* What the supervisor waits for: signals, messages of its workers, and time. */
#ifndef DEWY_SERVE_LOOP_H
#define DEWY_SERVE_LOOP_H

struct error;
struct output;
struct supervisor;

/* Blocks the signals that the loop takes, and opens a descriptor that they are read from. To be called before anybody can
 * know the pid of the supervisor. Returns the descriptor or -1. */
int loop_open_signals(struct error *error);

/* Runs until all is over. signals is what loop_open_signals gave, messages what readiness_open gave. */
void loop_run(struct supervisor *supervisor, struct output *output, int signals, int messages);

#endif
