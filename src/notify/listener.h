/* SPDX-License-Identifier: MIT */
/* Who listens on a channel: what people there are to hear of this run, and what they have heard before. */
#ifndef DEWY_NOTIFY_LISTENER_H
#define DEWY_NOTIFY_LISTENER_H

#include "error.h"
#include "notify/channel.h"
#include "notify/message.h"

struct listener {
	struct channel *channel;
	struct message *messages; /* what it is to hear, in their order */
	size_t count;
	size_t tried;       /* so many of them, from the first on, have reached it or were refused */
	size_t taken;       /* so many of these have reached it */
	struct error error; /* why the others did not */
	long long failures; /* before this run, of whose end it has not heard, */
	char *failed_id;    /* and the last run of them, or NULL */
	long long told;     /* failures in a row, before this run, that have reached it */
	bool forgets;       /* nothing can be remembered of it, which was said */
};

struct listener_list {
	struct listener *items;
	size_t count;
};

#define AUTO_LISTENERS AUTO(listener_list_free)

/* Makes a listener for each channel; the channels must outlive the list, which the caller gives to listener_list_free. */
void listener_list_make(struct listener_list *list, const struct channel_list *channels);

void listener_list_free(struct listener_list *list);

/* Returns the failures in a row of whose end some of them have not heard, 0 for none. */
long long listener_list_failures(const struct listener_list *list);

/* Chooses for each of them what it is to hear: nothing that it has heard, only what is important when it wants it quiet, of
 * failures three in a row, the third of which says so, and what is urgent, and of a recovery only if it was there when something
 * failed. */
void listener_list_choose(struct listener_list *list, const struct message_list *messages);

/* Returns the message in the words for the listener, as far as it has been told of failures. The caller frees it. */
char *listener_words(const struct listener *listener, const struct message *message);

/* Notes in each notice whom it has reached, and that it was sent when nobody is left whom it should. */
void listener_list_mark(const struct listener_list *list, const struct message_list *messages);

#endif
