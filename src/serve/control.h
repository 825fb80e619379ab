/* SPDX-License-Identifier: MIT */
/* What dewy-serve tells a supervisor that runs already; Perl's start_server understands it, too. */
#ifndef DEWY_SERVE_CONTROL_H
#define DEWY_SERVE_CONTROL_H

struct error;
struct settings;

/* Makes the supervisor start a new generation, and waits until that one serves alone. Returns 0; or -1 with ERROR_APPLICATION
 * when it was given up, ERROR_SUPERVISOR when the supervisor ended, ERROR_CONFIG when there is none, and ERROR_LOCKED when the
 * time is over that its options, which are those given here, can need. */
int control_restart(const struct settings *settings, struct error *error);

/* Makes the supervisor execute its program again, and waits until the new one has taken over. Returns 0; or -1 with
 * ERROR_SUPERVISOR when it goes on with the one of before, or ended, ERROR_CONFIG when there is none, or ERROR_LOCKED. */
int control_reexec(const struct settings *settings, struct error *error);

/* Makes the supervisor end, and waits until it has; none running is fine. Returns 0 or -1. */
int control_stop(const struct settings *settings, struct error *error);

#endif
