/* SPDX-License-Identifier: MIT */
/* Long texts, such as the output of hooks, cut to what a channel takes. */
#ifndef DEWY_NOTIFY_CUT_H
#define DEWY_NOTIFY_CUT_H

#include <stddef.h>

/* Returns text without the line breaks at its end. When that is more than lines lines (1 or more) or bytes bytes (64 or more), it
 * is cut at the end of a line, and a last line "... (N more lines)" follows: it is within the bytes, but comes after the lines. A
 * first line that alone is too long is cut after a character, and "... (N more bytes)" follows at once. The caller frees it. */
char *message_cut(const char *text, size_t lines, size_t bytes);

/* Returns the last line of text that has something in it, cut as message_cut does to bytes bytes: what a program says last is why
 * it failed, as a rule. The caller frees it. */
char *message_last_line(const char *text, size_t bytes);

#endif
