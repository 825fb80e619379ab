/* SPDX-License-Identifier: MIT */
/* The URLs of notifiers, one a line up to an empty one, and a document that they are to be told of, by the answers of a service. */
#include "fuzz.h"

#include "alloc.h"
#include "document.h"
#include "error.h"
#include "notify/channel.h"
#include "notify/mail_message.h"
#include "notify/message.h"
#include "notify/slack_message.h"
#include "str.h"

#include <string.h>

/* No line of a message is one of its header that dewy did not write, and none is longer than servers take. */
static void judge_mail(const char *text)
{
	FUZZ_HOLDS(!strchr(text, '\r'));
	for (const char *line = text; *line; line += *line == '\n') {
		size_t length = strcspn(line, "\n");
		FUZZ_HOLDS(length <= 998);
		line += length;
	}
}

static void tell_mail(const struct channel *channel, const struct message *message)
{
	AUTO_MAIL struct mail mail = {0};
	struct error error;

	if (mail_open(&mail, channel, "root@example.com", true, &error))
		return;
	AUTO_FREE char *text = mail_write(&mail, channel, message);
	judge_mail(text);
}

static void tell_slack(const struct channel *channel, const struct message *message)
{
	struct error error;
	AUTO_FREE char *text = slack_message(channel, message, NULL);
	AUTO_JSON cJSON *json = json_parse(text, strlen(text), &error);

	FUZZ_HOLDS(json != NULL);
}

static void tell(const struct channel_list *channels, const struct message *message)
{
	AUTO_FREE char *plain = message_plain(message, 10, 1000), *body = message_body(message), *id = message_id(message);
	struct error error;
	AUTO_JSON cJSON *json = json_parse(body, strlen(body), &error);

	FUZZ_HOLDS(json != NULL && plain && id);
	for (size_t i = 0; i < channels->count; i++) {
		const struct channel *channel = &channels->items[i];
		if (str_equal(channel->url.scheme, "slack"))
			tell_slack(channel, message);
		else
			tell_mail(channel, message);
	}
}

/* Returns where the document begins. */
static size_t open_channels(struct channel_list *channels, const uint8_t *bytes, size_t length, struct fuzz_parts *lines)
{
	size_t end = 0;
	struct error error;

	while (end < length && !(bytes[end] == '\n' && (end == 0 || bytes[end - 1] == '\n')))
		end++;
	fuzz_parts_cut(lines, bytes, end, '\n');
	if (channel_list_open(channels, (const char *const *)lines->items, NULL, &error)) {
		FUZZ_HOLDS(error.code == ERROR_CONFIG);
		channel_list_free(channels);
		*channels = (struct channel_list){0};
	}
	return end < length ? end + 1 : length;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	AUTO_PARTS struct fuzz_parts lines;
	struct channel_list channels = {0};
	struct error error;

	setenv("SLACK_TOKEN", "xoxb-0123456789", 1);
	size_t begin = open_channels(&channels, bytes, length, &lines);
	AUTO_JSON cJSON *document = document_parse((const char *)bytes + begin, length - begin, &error);
	if (document) {
		struct message_list messages = {0};
		message_outcome(document);
		message_list_make(&messages, document, 2, length % 4 ? 0 : 3);
		for (size_t i = 0; i < messages.count && i < 4; i++)
			tell(&channels, &messages.items[i]);
		message_list_free(&messages);
	}
	channel_list_free(&channels);
	return 0;
}
