/* SPDX-License-Identifier: MIT */
/* What the supervisor waits for: signals, the ends of its children, messages of its workers, and time. */
#ifndef DEWY_SERVE_LOOP_H
#define DEWY_SERVE_LOOP_H

struct error;
struct events;
struct service;

/* Opens the events, with the signals that the loop takes. To be called before anybody can know the pid of the supervisor.
 * Returns 0 or -1. */
int loop_open_events(struct events *events, struct error *error);

/* Runs until all is over. */
void loop_run(struct service *service);

#endif
