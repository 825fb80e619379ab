/* SPDX-License-Identifier: MIT */
/* The options of the server's side, checked before anything is touched: a wrong one must not look like a bad release. */
#ifndef DEWY_RESTART_SETTINGS_H
#define DEWY_RESTART_SETTINGS_H

#include "options.h"

struct error;

/* Returns 0 when every --port and --health-url is one; or -1 with ERROR_USAGE or ERROR_CONFIG. */
int restart_check(const struct options *options, struct error *error);

/* Returns 0 when the text is a --health-url; or -1 with ERROR_CONFIG. */
int restart_check_health_url(const char *text, struct error *error);

#endif
