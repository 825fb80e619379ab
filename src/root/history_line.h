/* SPDX-License-Identifier: MIT */
/* What a line of the history tells; share/schema/history.json describes it. */
#ifndef DEWY_HISTORY_LINE_H
#define DEWY_HISTORY_LINE_H

#include "json.h"
#include "root/root.h"

/* Returns the line for a document that has come to its end (running, rolled_back, failed, or deployed in assets mode), without the
 * member that chains it; the caller deletes it. It is shorter than HISTORY_LINE, whatever the document holds. */
cJSON *history_line(const struct root *root, const cJSON *document);

/* Returns an array of lines, one for each entry of rejected.json that was forgotten, or for floor.json, which has no reason; the
 * caller deletes it. */
cJSON *history_lines_forgotten(const struct root *root, const cJSON *entries);

#endif
