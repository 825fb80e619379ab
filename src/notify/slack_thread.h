/* SPDX-License-Identifier: MIT */
/* Threads of Slack's: a reply names the ts of its parent, which is its time as seconds and a number (1700000000.000100). */
#ifndef DEWY_NOTIFY_SLACK_THREAD_H
#define DEWY_NOTIFY_SLACK_THREAD_H

#include <stdbool.h>

struct channel;
struct error;
struct message;

/* True for the ts of a message; text may be NULL. */
bool slack_is_ts(const char *text);

/* Returns 0 when thread= is true, false, a ts or missing, else -1 with ERROR_CONFIG. */
int slack_thread_check(const struct channel *channel, struct error *error);

/* True when messages are to go into one thread for each run, and none is named. */
bool slack_threads(const struct channel *channel);

/* Returns the ts of the thread that a message belongs to, the caller frees it; NULL when it belongs to none, or begins one.
 * Where it is said, the first counts: thread=TS, the file .slack-thread-ts of the release, by which a thread that began before
 * the release was built goes on, and what an earlier message of the run has begun. */
char *slack_thread_find(const struct channel *channel, const struct message *message);

#endif
