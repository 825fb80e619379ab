/* SPDX-License-Identifier: MIT */
/* What dewy itself has for the history. To chain a line takes a digest, whose library would make up most of a run that finds
 * nothing to do: the rare line goes through libexec/dewy/dewy-history. */
#ifndef DEWY_RECORD_H
#define DEWY_RECORD_H

#include "json.h"
#include "root/root.h"

/* Appends a line, or an array of lines, as history_append does; what keeps it from that is only logged. */
void record_lines(const struct root *root, const cJSON *lines);

/* Returns the path of dewy-history, which the caller frees. */
char *record_program(void);

#endif
