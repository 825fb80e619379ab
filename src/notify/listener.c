/* SPDX-License-Identifier: MIT */
#include "notify/listener.h"

#include "alloc.h"
#include "document.h"

enum { PATIENCE = 3 }; /* failures in a row that people are told of */

void listener_list_make(struct listener_list *list, const struct channel_list *channels)
{
	*list = (struct listener_list){.items = xcalloc(channels->count + 1, sizeof *list->items)};
	while (list->count < channels->count) {
		list->items[list->count] = (struct listener){.channel = &channels->items[list->count]};
		list->count++;
	}
}

void listener_list_free(struct listener_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].failed_id);
		free(list->items[i].messages);
	}
	free(list->items);
	*list = (struct listener_list){0};
}

long long listener_list_failures(const struct listener_list *list)
{
	long long most = 0;

	for (size_t i = 0; i < list->count; i++)
		most = list->items[i].failures > most ? list->items[i].failures : most;
	return most;
}

static bool has_heard(const struct listener *listener, const cJSON *notice)
{
	return document_was_sent(notice, listener->channel->name);
}

/* True for what the listener would not hear at any time. */
static bool is_not_for(const struct listener *listener, const struct message *message)
{
	return (listener->channel->quiet && !message->important) || (message->recovery && listener->failures <= 0);
}

/* True for what is no news while failures go on. What ends well always is. */
static bool is_withheld(const struct listener *listener, const struct message *message)
{
	bool news = message->urgent || message_outcome(message->document) == OUTCOME_GOOD;

	return message->withheld || (!news && listener->told >= PATIENCE);
}

char *listener_words(const struct listener *listener, const struct message *message)
{
	if (message->recovery)
		return message_recovery(listener->failures);
	if (message->failure && listener->told == PATIENCE - 1)
		return xasprintf("%s\nNo more errors will be sent until something succeeds.", message->text);
	return xstrdup(message->text);
}

static void choose(struct listener *listener, const struct message_list *messages)
{
	listener->messages = xcalloc(messages->count + 1, sizeof *listener->messages);
	for (size_t i = 0; i < messages->count; i++) {
		const struct message *message = &messages->items[i];
		if (has_heard(listener, message->notice) || is_not_for(listener, message) || is_withheld(listener, message))
			continue;
		listener->messages[listener->count++] = *message;
	}
}

void listener_list_choose(struct listener_list *list, const struct message_list *messages)
{
	for (size_t i = 0; i < list->count; i++)
		choose(&list->items[i], messages);
}

static bool is_sent(const struct listener_list *list, const struct message *message)
{
	bool sent = !message->withheld;

	for (size_t i = 0; i < list->count; i++)
		sent = sent && (has_heard(&list->items[i], message->notice) || is_not_for(&list->items[i], message));
	return sent;
}

void listener_list_mark(const struct listener_list *list, const struct message_list *messages)
{
	for (size_t i = 0; i < list->count; i++)
		for (size_t j = 0; j < list->items[i].tried; j++)
			if (list->items[i].messages[j].taken)
				document_add_sent(list->items[i].messages[j].notice, list->items[i].channel->name);
	for (size_t i = 0; i < messages->count; i++)
		if (is_sent(list, &messages->items[i]))
			json_set_bool(messages->items[i].notice, "sent", true);
}
