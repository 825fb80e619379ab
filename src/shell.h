/* SPDX-License-Identifier: MIT */
/* Commands that the user has given as a line for the shell. */
#ifndef DEWY_SHELL_H
#define DEWY_SHELL_H

#include "json.h"
#include "proc.h"
#include "root/root.h"

struct error;

struct shell {
	const struct root *root;
	const cJSON *document;
	const char *command;
	const char *release_dir; /* absolute path of the release that it is about, or NULL */
	const char *input;       /* what is on standard input; NULL for the document */
	long long grace_ms;      /* as in struct proc_spec */
};

/* Runs the command by /bin/sh -c in ROOT, as proc_run does: with DEWY_ID, DEWY_APP, DEWY_VERSION, DEWY_PREVIOUS_VERSION,
 * DEWY_RELEASE_DIR, DEWY_ROOT and DEWY_ARTIFACT in an environment without secrets. Returns 0, or -1 when it could not be started;
 * the caller gives ret to proc_result_free. */
int shell_run(const struct shell *shell, size_t output_limit, long long timeout_ms, struct proc_result *ret, struct error *error);

#endif
