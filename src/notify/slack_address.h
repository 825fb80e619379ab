/* SPDX-License-Identifier: MIT */
/* slack://ROOM?title=TEXT&url=URL&thread=true|TS: what the URL of the channel says. */
#ifndef DEWY_NOTIFY_SLACK_ADDRESS_H
#define DEWY_NOTIFY_SLACK_ADDRESS_H

#include <stdbool.h>

struct buf;
struct channel;
struct error;

/* Returns the room as Slack wants it: "#deploys" for a name, an ID such as C024BE91L as it is, "@name" for a person; NULL when
 * there is none, or it cannot be one. The caller frees it. */
char *slack_room(const struct channel *channel);

/* Appends title= and host as the footer of an attachment, "title/host" or the host alone; with url= the title, or without one
 * the host, is a link there. */
void slack_add_footer(struct buf *buf, const struct channel *channel, const char *host);

/* Returns 0, or -1 with ERROR_CONFIG when the URL is none that Slack could be asked by. */
int slack_check_address(const struct channel *channel, struct error *error);

#endif
