/* SPDX-License-Identifier: MIT */
/* ROOT/.dewy/history.jsonl: one line per deployment that ended, well or badly, and per rejected version that was forgotten; append
 * only, and each line is chained to what is before it (history_chain.h). history_line.h makes the lines. */
#ifndef DEWY_HISTORY_H
#define DEWY_HISTORY_H

#include "json.h"
#include "root/root.h"

#define HISTORY_NAME "history.jsonl"
#define HISTORY_FORGOTTEN "forgotten" /* the state of a line that tells of a rejected version */

#define HISTORY_UNRECORDED "Cannot record the deployment" /* what the log says then */

enum { HISTORY_LINE = 1 << 20 }; /* bytes that no line reaches */

/* Opens the history, which must be a regular file, with flags as for open(2). Returns a descriptor; -1; or -2 when it is not there,
 * and flags do not ask to create it. */
int history_open(const struct root *root, int flags, struct error *error);

/* Returns the offset behind the newline before end in the file, 0 when there is none. */
off_t history_start(int fd, off_t end);

/* Returns the line from start to end, which is without its newline; the caller deletes it. NULL for what is torn, or no line. */
cJSON *history_read(int fd, off_t start, off_t end);

/* Calls visit for each of the last count whole lines, or of all with 0, oldest first; memory does not grow with the file. Returns 0
 * or -1. */
int history_each(const struct root *root, long long count, void (*visit)(const cJSON *line, void *context), void *context,
		 struct error *error);

/* True when only the kind of a failure, by its stage and code, tells whether it is the same again: the network has many words for
 * the same, and a disk that is full says how full. */
bool history_is_of_kind(const char *stage, const char *code);

/* True when the line tells of the same failure as the last one there: a run every ten seconds must not fill the disk with it. */
bool history_is_repeated(const struct root *root, const cJSON *line);

#endif
