/* SPDX-License-Identifier: MIT */
/* Slack: a chat.postMessage for each message, by the token in SLACK_TOKEN or SLACK_TOKEN_FILE, at SLACK_API_URL. */
#ifndef DEWY_NOTIFY_SLACK_H
#define DEWY_NOTIFY_SLACK_H

#include "notify/channel.h"

extern const struct channel_ops slack_channel;

#endif
