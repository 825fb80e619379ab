/* SPDX-License-Identifier: MIT */
/* Several processes tell one run: dewy once starts one whenever there is something new, and the last one at the end. Whoever comes
 * to tell a channel after the last one has begun leaves it to that one, which was handed all there is, and may have told it
 * already; and what could not be delivered is for the last one to say. They know by a file without a name that is empty until the
 * last one begins. */
#ifndef DEWY_NOTIFY_RELAY_H
#define DEWY_NOTIFY_RELAY_H

#include <stdbool.h>

struct error;

/* Opens the file for a run. Returns its descriptor, or -1. */
int relay_open(struct error *error);

/* Returns what tells a process, in its environment, that others will follow it, and which descriptor to keep open; the caller frees
 * it. */
char *relay_variable(int relay);

/* Says that the last process begins. */
void relay_end(int relay);

/* Returns the descriptor that this process was started with; -1 when it is the last one, or the only one. */
int relay_receive(void);

/* True when the last process has begun; relay may be -1. */
bool relay_is_over(int relay);

#endif
