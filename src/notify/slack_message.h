/* SPDX-License-Identifier: MIT */
/* A message as Slack takes it: the arguments of chat.postMessage (https://docs.slack.dev/reference/methods/chat.postMessage)
 * with one attachment (https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments). */
#ifndef DEWY_NOTIFY_SLACK_MESSAGE_H
#define DEWY_NOTIFY_SLACK_MESSAGE_H

struct channel;
struct message;

/* Returns the arguments as JSON, which the caller frees. thread is the ts of the thread that the message goes into, or NULL; the
 * channel is one that slack_check_address has passed. */
char *slack_message(const struct channel *channel, const struct message *message, const char *thread);

#endif
