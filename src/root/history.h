/* SPDX-License-Identifier: MIT */
/* ROOT/.dewy/history.jsonl: one line per finished or failed deployment, append only. */
#ifndef DEWY_HISTORY_H
#define DEWY_HISTORY_H

#include "json.h"
#include "root/root.h"

/* Appends a line for a document that has come to its end (running, rolled_back, failed, or deployed in assets mode). A
 * failure that is the same as in the last line is not repeated. Returns 0 or -1. */
int history_append(const struct root *root, const cJSON *document, struct error *error);

/* Calls visit for each of the last count lines, or of all with 0, oldest first; memory does not grow with the file. Returns 0 or -1. */
int history_each(const struct root *root, long long count, void (*visit)(const cJSON *line, void *context), void *context,
		 struct error *error);

#endif
