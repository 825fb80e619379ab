/* SPDX-License-Identifier: MIT */
/* What is remembered of each channel from one process to the next: the member "channels" of ROOT/.dewy/notify.json (counter.h), by
 * the names of the channels.
 *
 *     "https:hooks.example.com": {
 *       "at": "2024-01-15T10:31:15Z",                  when it was last used
 *       "failures": 4, "failed_id": "20240115T103115Z-09ab3c",   so many of whose end it has not heard, the last one in that run
 *       "told": 2, "told_id": "20240115T103044Z-7f3a91",   so many of them, in a row, have reached it, the last one of that run
 *       "run": {"id": "20240115T103044Z-7f3a91", "thread": "...",   what continues the thread of that run,
 *               "heard": ["0-811c9dc5"]},              and which of its notices it has heard
 *       "undelivered": {"notices": 3, "since": "...", "last_at": "...", "error": "...", "hint": "...",
 *                       "id": "...", "before": 1}      what it has missed since something last reached it, and before that run
 *     }
 *
 * A channel that has nothing but "at" to say is left out, and so is one that nobody has named for a week. */
#ifndef DEWY_NOTIFY_LEDGER_H
#define DEWY_NOTIFY_LEDGER_H

#include "notify/listener.h"
#include "root/root.h"

/* Fills in what the listeners have heard of failures before the run of the document. Returns true when there is something to
 * remember: there are listeners, or were. */
bool ledger_read(const struct listener_list *list, const struct root *root, const cJSON *document);

/* Where nothing can be remembered, on a full disk say, people are told all the same: rather twice than not at all. That is one
 * warning in the log of a process, and what comes after it is not tried any more (the member forgets of the listener). */

/* Remembers, before anybody is told, that nobody was: should no process live to do better, it is known what was not delivered.
 * failures is as for message_list_make, relay as for relay.h. Returns false when nothing can be remembered. */
bool ledger_begin(struct listener_list *list, struct root *root, const cJSON *document, long long failures, int relay);

/* Waits until no other process tells the listener, at most wait_ms milliseconds, and then gives its channel the thread that the run
 * of the document has there, and recalls anew what it was told of failures. Returns 0, or -1 when another one still does. What
 * ret_turn gets, the caller closes when it is done: a descriptor, or -1 where there can be no turns. */
int ledger_take_turn(struct listener *listener, const struct root *root, const cJSON *document, long long wait_ms, int *ret_turn);

/* True when another process has told the listener this message: one of the same run, or, of a recovery, of any. */
bool ledger_has_heard(const struct listener *listener, const struct root *root, const struct message *message);

/* Remembers that the last of the messages that were tried has reached the listener. */
void ledger_add_taken(struct listener *listener, struct root *root);

/* Remembers that the listener did not take the others of its messages, because of its error. */
void ledger_add_missed(struct listener *listener, struct root *root);

/* Forgets what has no use any more. */
void ledger_end(const struct listener_list *list, struct root *root, const cJSON *document);

#endif
