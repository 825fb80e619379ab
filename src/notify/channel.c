/* SPDX-License-Identifier: MIT */
#include "notify/channel.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "notify/exec.h"
#include "notify/mail.h"
#include "notify/sendmail.h"
#include "notify/slack.h"
#include "notify/webhook.h"
#include "str.h"

#include <ctype.h>
#include <string.h>

static const struct {
	const char *scheme;
	const struct channel_ops *ops;
} channels[] = {
	{"exec", &exec_channel},
	{"http", &webhook_channel},
	{"https", &webhook_channel},
	{"mail", &mail_channel},
	{"smtp", &mail_channel},
	{"smtps", &mail_channel},
	{"sendmail", &sendmail_channel},
	{"slack", &slack_channel},
};

enum { CHANNELS = sizeof channels / sizeof *channels };

const char *const channel_parameters[] = {"quiet", NULL};

static const struct channel_ops *find(const char *scheme)
{
	for (size_t i = 0; i < CHANNELS; i++)
		if (str_equal(channels[i].scheme, scheme))
			return channels[i].ops;
	return NULL;
}

/* Returns -1 with the schemes as the hint. */
static int hint_schemes(struct error *error)
{
	AUTO_BUF struct buf known = {0};

	for (size_t i = 0; i < CHANNELS; i++)
		buf_printf(&known, "%s%s:%s", i ? ", " : "", channels[i].scheme, channels[i].ops->plain ? "" : "//");
	return error_hint(error, "use one of %s", buf_text(&known));
}

/* Returns -1: what is no URL at all gets the schemes as its hint. */
static int refuse(const struct channel *channel, struct error *error)
{
	return channel->url.scheme ? -1 : hint_schemes(error);
}

/* Returns a copy of an address in which the # that begins what follows SCHEME:// is encoded. */
static char *encode_sharp(const char *address)
{
	size_t length = strcspn(address, ":") + strlen("://");
	bool sharp = strlen(address) > length && address[length] == '#';

	return sharp ? xasprintf("%.*s%%23%s", (int)length, address, address + length + 1) : xstrdup(address);
}

/* Parses the address as the scheme wants it. */
static int parse(struct channel *channel, struct error *error)
{
	AUTO_FREE char *scheme = xstrndup(channel->address, strcspn(channel->address, ":"));

	for (char *letter = scheme; *letter; letter++)
		*letter = (char)tolower((unsigned char)*letter);
	channel->ops = find(scheme);
	if (channel->ops && channel->ops->plain)
		return url_parse_plain(&channel->url, channel->address, error) ? refuse(channel, error) : 0;
	AUTO_FREE char *address = channel->ops && channel->ops->sharp ? encode_sharp(channel->address) : xstrdup(channel->address);
	if (url_parse(&channel->url, address, error))
		return refuse(channel, error);
	if (channel->ops)
		return 0;
	error_set(error, ERROR_CONFIG, "unknown scheme %s:", scheme);
	return hint_schemes(error);
}

/* Returns the name for the last channel of the list: the scheme and the place, and a number when another one has that name. */
static char *name_of(const struct channel_list *list)
{
	const struct channel *channel = &list->items[list->count - 1];
	AUTO_FREE char *place = channel->ops->place(channel);
	AUTO_FREE char *name = xasprintf("%s%s%s", channel->url.scheme, *place ? ":" : "", place);
	int same = 1;

	for (size_t i = 0; i + 1 < list->count; i++) {
		size_t length = strlen(name);
		same += strncmp(list->items[i].name, name, length) == 0 && strchr("#", list->items[i].name[length]);
	}
	return same == 1 ? steal_pointer(&name) : xasprintf("%s#%d", name, same);
}

/* Returns 0, or -1 with an error that does not say which channel it is about. */
static int open_channel(struct channel_list *list, struct channel *channel, struct error *error)
{
	if (parse(channel, error))
		return -1;
	channel->name = name_of(list);
	if (url_boolean(&channel->url, "quiet", &channel->quiet, error))
		return -1;
	return channel->ops->check(channel, error);
}

static void begin_list(struct channel_list *list, const char *const *addresses)
{
	size_t count = 0;

	while (addresses && addresses[count])
		count++;
	*list = (struct channel_list){.items = xcalloc(count + 1, sizeof *list->items)};
}

/* Returns 0, or -1 with an error that says which channel it is about. */
static int add(struct channel_list *list, const char *address, const char *authorities, struct error *error)
{
	struct channel *channel = &list->items[list->count++];

	*channel = (struct channel){.address = address, .authorities = authorities};
	if (open_channel(list, channel, error) == 0)
		return 0;
	return error_in(error, "--notifier %zu%s%s", list->count, channel->name ? ", " : "", channel->name ? channel->name : "");
}

int channel_list_open(struct channel_list *list, const char *const *addresses, const char *authorities, struct error *error)
{
	begin_list(list, addresses);
	for (; addresses && *addresses; addresses++)
		if (add(list, *addresses, authorities, error))
			return -1;
	return 0;
}

static int send_nothing(struct channel *channel, const struct message *message, long long timeout_ms, struct error *error)
{
	(void)message;
	(void)timeout_ms;
	*error = *channel->mistake;
	return -1;
}

void channel_list_accept(struct channel_list *list, const char *const *addresses, const char *authorities)
{
	static const struct channel_ops mistaken = {.send = send_nothing};
	struct error error;

	begin_list(list, addresses);
	for (; addresses && *addresses; addresses++) {
		if (add(list, *addresses, authorities, &error) == 0)
			continue;
		struct channel *channel = &list->items[list->count - 1];
		channel->ops = &mistaken;
		channel->mistake = xcalloc(1, sizeof error);
		*channel->mistake = error;
		if (!channel->name)
			channel->name = xasprintf("notifier#%zu", list->count);
	}
}

void channel_list_free(struct channel_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		url_free(&list->items[i].url);
		free(list->items[i].name);
		free(list->items[i].thread);
		free(list->items[i].mistake);
	}
	free(list->items);
	*list = (struct channel_list){0};
}
