/* SPDX-License-Identifier: MIT */
#include "notify/channel.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "log.h"
#include "notify/webhook.h"
#include "str.h"
#include "time.h"

static const struct {
	const char *scheme;
	const struct channel_ops *ops;
} channels[] = {
	{"http", &webhook_channel},
	{"https", &webhook_channel},
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

static int refuse_scheme(const char *scheme, struct error *error)
{
	AUTO_BUF struct buf known = {0};

	for (size_t i = 0; i < CHANNELS; i++)
		buf_printf(&known, "%s%s://", i ? ", " : "", channels[i].scheme);
	error_set(error, ERROR_CONFIG, "unknown scheme %s://", scheme);
	return error_hint(error, "use one of %s", buf_text(&known));
}

/* Returns 0, or -1 with an error that does not say which channel it is about. */
static int open_channel(struct channel *channel, struct error *error)
{
	if (url_parse(&channel->url, channel->address, error))
		return -1;
	channel->ops = find(channel->url.scheme);
	if (!channel->ops)
		return refuse_scheme(channel->url.scheme, error);
	if (url_boolean(&channel->url, "quiet", &channel->quiet, error))
		return -1;
	return channel->ops->check(channel, error);
}

int channel_list_open(struct channel_list *list, const char *const *addresses, const char *authorities, struct error *error)
{
	size_t count = 0;

	while (addresses && addresses[count])
		count++;
	*list = (struct channel_list){.items = xcalloc(count + 1, sizeof *list->items)};
	while (list->count < count) {
		struct channel *channel = &list->items[list->count++];
		channel->address = addresses[list->count - 1];
		channel->authorities = authorities;
		channel->host = url_host(channel->address);
		if (open_channel(channel, error))
			return error_in(error, "--notifier %zu%s%s", list->count, *channel->host ? ", " : "", channel->host);
	}
	return 0;
}

void channel_list_free(struct channel_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		url_free(&list->items[i].url);
		free(list->items[i].host);
	}
	free(list->items);
	*list = (struct channel_list){0};
}

/* Returns 0, or -1 with the error of the first message that did not get through. */
static int tell(const struct channel *channel, struct message_list *messages, long long deadline, struct error *error)
{
	for (size_t i = 0; i < messages->count; i++) {
		struct message *message = &messages->items[i];
		long long left = deadline - time_monotonic();
		if (message->withheld)
			continue;
		if (channel->quiet && !message->important) {
			message->taken++;
			continue;
		}
		if (left <= 0)
			return error_set(error, ERROR_NETWORK, "%s: no time was left", channel->host);
		if (channel->ops->send(channel, message, left, error))
			return -1;
		message->taken++;
	}
	return 0;
}

void channel_list_tell(const struct channel_list *list, struct message_list *messages, long long timeout_ms)
{
	long long deadline = time_monotonic() + timeout_ms;
	struct error error;

	for (size_t i = 0; i < list->count; i++) {
		long long now = time_monotonic(), share = (deadline - now) / (long long)(list->count - i);
		if (tell(&list->items[i], messages, now + share, &error))
			log_warn("Notification failed", "host", list->items[i].host, "error", error.message, "hint", error.hint);
	}
}
