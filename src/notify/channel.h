/* SPDX-License-Identifier: MIT */
/* Where people are told. A channel is a row in the table of channel.c and a struct of functions in a file of its own. */
#ifndef DEWY_NOTIFY_CHANNEL_H
#define DEWY_NOTIFY_CHANNEL_H

#include "notify/message.h"
#include "url.h"

#include <stdbool.h>
#include <stddef.h>

struct error;

struct channel {
	const struct channel_ops *ops;
	const char *address; /* the URL as it was given; belongs to the options */
	struct url url;
	char *name; /* what logs and files call it, "https:hooks.example.com", no two alike: the rest of a URL often is a secret */
	bool quiet; /* ?quiet=true */
	const char *authorities; /* --cacert, or NULL; belongs to the options */
	char *thread; /* what continues the thread of this run there, or NULL; kept for the next process by who tells it */
	struct error *mistake; /* why nothing can be sent there, NULL when it can */
};

struct channel_ops {
	bool plain; /* its URL is SCHEME:..., not SCHEME://... */
	bool sharp; /* what follows SCHEME:// may begin with a #, as people write rooms */

	/* Returns where the channel leads, as anybody may know it: a host, a room, a program. Called before check, for any URL that
	 * could be parsed; "" when nothing can be told. The caller frees it. */
	char *(*place)(const struct channel *channel);

	/* Checks the URL, and what else the channel needs. Returns 0, or -1 with ERROR_CONFIG. */
	int (*check)(const struct channel *channel, struct error *error);

	/* Tells the message, within timeout_ms milliseconds. May replace the thread of the channel by a new one. Returns 0; or,
	 * with an error that says where it happened, but not the URL, 1 when it is this message that is refused and others may do,
	 * or -1. */
	int (*send)(struct channel *channel, const struct message *message, long long timeout_ms, struct error *error);
};

struct channel_list {
	struct channel *items;
	size_t count;
};

#define AUTO_CHANNELS AUTO(channel_list_free)

/* The parameters of a notifier's URL that are dewy's own, ended by NULL. */
extern const char *const channel_parameters[];

/* Opens the channels of the addresses (ended by NULL), which like authorities, a file for http.h or NULL, must outlive the list.
 * Returns 0, or -1 with ERROR_CONFIG; the caller gives the list to channel_list_free in both cases. */
int channel_list_open(struct channel_list *list, const char *const *addresses, const char *authorities, struct error *error);

/* As channel_list_open, but takes one that cannot be for a channel, too, where nothing arrives: so it silences no other one, and is
 * accounted for as any that fails. */
void channel_list_accept(struct channel_list *list, const char *const *addresses, const char *authorities);

void channel_list_free(struct channel_list *list);

#endif
