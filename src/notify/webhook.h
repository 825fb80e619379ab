/* SPDX-License-Identifier: MIT */
/* A webhook: an HTTP POST for each message, {"text":...,"notice":{...},"document":{...}}. Dewy-Delivery has what is the same each
 * time the message is sent. With WEBHOOK_SECRET or WEBHOOK_SECRET_FILE, Dewy-Timestamp has the UNIX seconds of the try, and
 * Dewy-Signature "sha256=" and the hexadecimal HMAC-SHA-256 of "TIMESTAMP.BODY". */
#ifndef DEWY_NOTIFY_WEBHOOK_H
#define DEWY_NOTIFY_WEBHOOK_H

#include "notify/channel.h"

extern const struct channel_ops webhook_channel;

#endif
