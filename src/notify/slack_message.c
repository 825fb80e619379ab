/* SPDX-License-Identifier: MIT */
#include "notify/slack_message.h"

#include "alloc.h"
#include "buf.h"
#include "json.h"
#include "notify/channel.h"
#include "notify/slack_address.h"
#include "notify/slack_colour.h"
#include "notify/slack_text.h"
#include "str.h"
#include "time.h"

#include <ctype.h>
#include <string.h>

/* Slack cuts a text at 40,000 characters, and recommends 4,000; a field has no published limit, but that of blocks has 2,000. An
 * attachment is folded after 700 characters or five lines, and yet nobody wants to unfold a thousand. */
enum {
	TEXT_MOST = 4000, /* bytes */
	FALLBACK_MOST = 1000,
	COMMAND_MOST = 1000,
	OUTPUT_MOST = 2000,
	LINES_MOST = 50,
};

static void add_field(cJSON *fields, const char *title, const char *value, bool is_short)
{
	cJSON *field = xrequire(cJSON_CreateObject());

	json_set_string(field, "title", title);
	json_set_string(field, "value", value);
	json_set_bool(field, "short", is_short);
	cJSON_AddItemToArray(fields, field);
}

static void add_output(cJSON *fields, const char *title, const char *output)
{
	AUTO_FREE char *code = slack_code(output ? output : "", LINES_MOST, OUTPUT_MOST);

	if (*code)
		add_field(fields, title, code, false);
}

static cJSON *make_fields(const cJSON *hook)
{
	cJSON *fields = xrequire(cJSON_CreateArray());
	AUTO_FREE char *exit_code = xasprintf("%lld", json_number(hook, "exit_code", 0));
	AUTO_BUF struct buf duration = {0};

	str_add_duration(&duration, json_number(hook, "duration_ms", 0));
	add_output(fields, "Stdout", json_string(hook, "stdout"));
	add_output(fields, "Stderr", json_string(hook, "stderr"));
	add_field(fields, "Exit code", exit_code, true);
	add_field(fields, "Duration", buf_text(&duration), true);
	return fields;
}

/* Returns "Before deploy hook" for before-deploy. */
static char *title_of(const cJSON *hook)
{
	const char *name = json_string(hook, "name");
	AUTO_BUF struct buf title = {0};

	slack_add_line(&title, name && *name ? name : "hook");
	for (char *dash = title.data; (dash = strchr(dash, '-'));)
		*dash = ' ';
	title.data[0] = (char)toupper((unsigned char)title.data[0]);
	buf_puts(&title, " hook");
	return buf_steal(&title);
}

static void describe_hook(cJSON *attachment, const cJSON *hook)
{
	static const char *const formatted[] = {"text", "fields"};
	const char *command = json_string(hook, "command");
	AUTO_FREE char *title = title_of(hook), *code = slack_code(command ? command : "", LINES_MOST, COMMAND_MOST);

	json_set_string(attachment, "title", title);
	json_set_string(attachment, "text", code);
	json_set(attachment, "fields", make_fields(hook));
	json_set(attachment, "mrkdwn_in", xrequire(cJSON_CreateStringArray(formatted, 2)));
}

static void describe_notice(cJSON *attachment, const struct message *message)
{
	AUTO_FREE char *text = slack_lines(message->text, TEXT_MOST);

	json_set_string(attachment, "text", text);
	json_set(attachment, "mrkdwn_in", xrequire(cJSON_CreateArray())); /* none of it is formatted */
}

static const char *colour_of(const struct message *message, const char *host, char text[SLACK_COLOUR])
{
	if (message->bad)
		return "danger";
	return message->hook ? "good" : slack_colour(host, text);
}

static void add_origin(cJSON *attachment, const struct channel *channel, const struct message *message, const char *host)
{
	const char *time = json_string(message->notice, "time");
	AUTO_BUF struct buf footer = {0};
	time_t when;

	slack_add_footer(&footer, channel, host);
	json_set_string(attachment, "footer", buf_text(&footer));
	if (time && time_parse(time, &when) == 0)
		json_set_number(attachment, "ts", (long long)when);
}

static cJSON *make_attachment(const struct channel *channel, const struct message *message)
{
	const char *known = json_string(message->document, "host"), *host = known && *known ? known : "localhost";
	cJSON *attachment = xrequire(cJSON_CreateObject());
	AUTO_FREE char *fallback = slack_lines(message->text, FALLBACK_MOST);
	char colour[SLACK_COLOUR];

	json_set_string(attachment, "fallback", fallback);
	json_set_string(attachment, "color", colour_of(message, host, colour));
	if (message->hook)
		describe_hook(attachment, message->hook);
	else
		describe_notice(attachment, message);
	add_origin(attachment, channel, message, host);
	return attachment;
}

char *slack_message(const struct channel *channel, const struct message *message, const char *thread)
{
	AUTO_JSON cJSON *arguments = xrequire(cJSON_CreateObject());
	AUTO_FREE char *room = slack_room(channel);
	cJSON *attachments = xrequire(cJSON_CreateArray());

	json_set_string(arguments, "channel", room);
	cJSON_AddItemToArray(attachments, make_attachment(channel, message));
	json_set(arguments, "attachments", attachments);
	json_set_string(arguments, "parse", "none"); /* what looks like a URL, a room or a person is none */
	json_set_bool(arguments, "link_names", false);
	json_set_bool(arguments, "unfurl_links", false);
	json_set_bool(arguments, "unfurl_media", false);
	json_set_string(arguments, "thread_ts", thread);
	if (thread && message->bad)
		json_set_bool(arguments, "reply_broadcast", true);
	return json_print(arguments);
}
