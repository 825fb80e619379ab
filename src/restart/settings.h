/* SPDX-License-Identifier: MIT */
/* The options of the server's side, checked before anything is touched: a wrong one must not look like a bad release. */
#ifndef DEWY_RESTART_SETTINGS_H
#define DEWY_RESTART_SETTINGS_H

#include "options.h"

struct error;

/* What keeps the server running, and how it is told to run another release. */
enum restart_kind {
	RESTART_SUPERVISOR, /* a supervisor that dewy keeps running */
	RESTART_UNIT,       /* --unit */
	RESTART_PROCESS,    /* --signal */
	RESTART_COMMAND,    /* --restart-command */
};

/* What the kinds are called in the document. */
extern const char *const restart_kind_words[];

enum restart_kind restart_kind(const struct options *options);

/* Returns the mode that the options ask for: that of --mode, or server when they say how to restart one, or assets. */
const char *restart_mode(const struct options *options);

/* Returns 0 when the options name one kind of server, and none in assets mode; or -1 with ERROR_USAGE. */
int restart_check_kind(const struct options *options, const char *mode, struct error *error);

/* Returns 0 when every option of the server's side is one, and no two contradict each other; or -1 with ERROR_USAGE or
 * ERROR_CONFIG. */
int restart_check(const struct options *options, struct error *error);

#endif
