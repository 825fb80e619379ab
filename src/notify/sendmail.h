/* SPDX-License-Identifier: MIT */
/* Mail by the sendmail program of this machine, which every mail server brings: sendmail:TO[,TO...]?from=&subject=&to=&quiet=. */
#ifndef DEWY_NOTIFY_SENDMAIL_H
#define DEWY_NOTIFY_SENDMAIL_H

#include "notify/channel.h"

extern const struct channel_ops sendmail_channel;

#endif
