/* SPDX-License-Identifier: MIT */
/* A command as a channel: exec:COMMAND, percent-encoded. /bin/sh runs it in ROOT for each message, in the environment of a hook,
 * with {"text":...,"notice":{...},"document":{...}} on standard input, the body of a webhook. Its exit status 0 is success; 75,
 * EX_TEMPFAIL of sysexits.h(3head), asks for another try. */
#ifndef DEWY_NOTIFY_EXEC_H
#define DEWY_NOTIFY_EXEC_H

#include "notify/channel.h"

extern const struct channel_ops exec_channel;

#endif
