/* SPDX-License-Identifier: MIT */
/* What dewy-serve tells a supervisor that runs already; Perl's start_server understands it, too. */
#ifndef DEWY_SERVE_CONTROL_H
#define DEWY_SERVE_CONTROL_H

struct error;
struct settings;

/* Makes the supervisor start a new generation, and waits until that one serves alone. Returns 0, or -1 with
 * ERROR_APPLICATION when it does not come up, or there is no supervisor. */
int control_restart(const struct settings *settings, struct error *error);

/* Makes the supervisor end, and waits until it has; none running is fine. Returns 0 or -1. */
int control_stop(const struct settings *settings, struct error *error);

#endif
