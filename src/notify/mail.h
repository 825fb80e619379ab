/* SPDX-License-Identifier: MIT */
/* Mail to a server: mail://HOST[:PORT]/TO[,TO...]?from=&subject=&to=&tls=&quiet=, and the same as smtp:// or, with TLS from the
 * start, smtps://. MAIL_USERNAME and MAIL_PASSWORD are for AUTH, MAIL_FROM is the sender. */
#ifndef DEWY_NOTIFY_MAIL_H
#define DEWY_NOTIFY_MAIL_H

#include "notify/channel.h"

extern const struct channel_ops mail_channel;

#endif
