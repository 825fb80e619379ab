/* SPDX-License-Identifier: MIT */
/* Texts as Slack is to show them, and no more: what comes from outside becomes no mention, no link and no formatting
 * (https://docs.slack.dev/messaging/formatting-message-text, "Escaping text" and "Basic formatting"). */
#ifndef DEWY_NOTIFY_SLACK_TEXT_H
#define DEWY_NOTIFY_SLACK_TEXT_H

#include <stddef.h>

struct buf;

/* Appends text as one line: & < > are escaped as entities; control characters, also line breaks, are shown as \n or \u001b, and
 * bytes that are not UTF-8 as \ufffd. */
void slack_add_line(struct buf *buf, const char *text);

/* Returns text escaped like that, but for line breaks and tabs, which stay; cut as message_cut does to bytes bytes (512 or
 * more), which is what it has when it is escaped. The caller frees it. */
char *slack_lines(const char *text, size_t bytes);

/* Returns text as a block of code of at most lines lines and bytes bytes (512 or more), which no backtick in it ends. "" when
 * there is nothing but line breaks. The caller frees it. */
char *slack_code(const char *text, size_t lines, size_t bytes);

#endif
