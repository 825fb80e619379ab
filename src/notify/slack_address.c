/* SPDX-License-Identifier: MIT */
#include "notify/slack_address.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "notify/channel.h"
#include "notify/slack_text.h"
#include "notify/slack_thread.h"
#include "str.h"
#include "url.h"

#include <ctype.h>
#include <string.h>

enum {
	NAME_MOST = 80,    /* bytes of the name of a room */
	ID_LEAST = 9,      /* letters and digits of an ID */
	HOST_MOST = 64,    /* bytes of a host in the footer, escaped */
	FOOTER_MOST = 300, /* characters: "Limited to 300 characters" says the reference of attachments */
};

/* IDs of channels, groups, direct messages, users and people of other organizations: a letter that says so, and letters and
 * digits, all of them upper case, which no name has. */
static bool is_id(const char *name)
{
	return strchr("CDGUW", *name) && strlen(name) >= ID_LEAST &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == strlen(name);
}

/* Names are letters of any script, digits, and - _ . */
static bool is_name(const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0, step; i < length; i += step) {
		step = str_utf8_length(name + i);
		bool known = step == 1 ? isalnum((unsigned char)name[i]) || strchr("-_.", name[i]) : step > 1;
		if (!known || str_control(name + i))
			return false;
	}
	return length > 0 && length <= NAME_MOST;
}

char *slack_room(const struct channel *channel)
{
	AUTO_FREE char *room = url_decode(channel->url.authority);
	const char *name = room && *room && strchr("#@", *room) ? room + 1 : room;

	if (!name || !is_name(name))
		return NULL;
	return *room == '@' ? steal_pointer(&room) : xasprintf("%s%s", is_id(name) ? "" : "#", name);
}

/* Appends the URL so that it ends where it should, whatever it holds: at the | of Slack's notation of a link. */
static void add_url(struct buf *buf, const char *url)
{
	AUTO_BUF struct buf encoded = {0};

	url_add_encoded(&encoded, url, ":/?#[]@!$&'()*+,;=%");
	slack_add_line(buf, buf_text(&encoded));
}

static void add_label(struct buf *buf, const char *url, const char *label)
{
	buf_puts(buf, url ? "<" : "");
	if (url)
		add_url(buf, url);
	buf_puts(buf, url ? "|" : "");
	slack_add_line(buf, label);
	buf_puts(buf, url ? ">" : "");
}

/* Returns as much of the host as there is room for; the caller frees it. */
static char *cut_host(const char *host)
{
	AUTO_BUF struct buf escaped = {0};
	char *cut = xstrndup(host, strnlen(host, HOST_MOST));

	for (size_t length = strlen(cut);; cut[length /= 2] = '\0') {
		buf_clear(&escaped);
		slack_add_line(&escaped, cut);
		if (escaped.length <= HOST_MOST)
			return cut;
	}
}

void slack_add_footer(struct buf *buf, const struct channel *channel, const char *host)
{
	const char *title = url_parameter(&channel->url, "title"), *url = url_parameter(&channel->url, "url");
	AUTO_FREE char *cut = cut_host(host);

	add_label(buf, url && *url ? url : NULL, title && *title ? title : cut);
	if (!title || !*title)
		return;
	buf_puts(buf, "/");
	slack_add_line(buf, cut);
}

static int check_url(const char *url, struct error *error)
{
	AUTO_FREE char *host = url ? url_host(url) : NULL;

	if (!url || ((str_starts(url, "https://") || str_starts(url, "http://")) && *host))
		return 0;
	error_set(error, ERROR_CONFIG, "url= is no http:// or https:// URL");
	return error_hint(error, "give what the title is to lead to, percent-encoded: url=https%%3A%%2F%%2Fexample.com%%2F");
}

/* A footer that Slack had to cut would be no link any more. */
static int check_footer(const struct channel *channel, struct error *error)
{
	AUTO_BUF struct buf footer = {0};

	slack_add_footer(&footer, channel, "");
	if (footer.length + HOST_MOST <= FOOTER_MOST)
		return 0;
	error_set(error, ERROR_CONFIG, "title= and url= are too long: Slack's footer has %d characters", FOOTER_MOST);
	return error_hint(error, "give less than %d characters of both together", FOOTER_MOST - HOST_MOST);
}

static int check_room(const struct channel *channel, struct error *error)
{
	AUTO_FREE char *room = slack_room(channel);

	if (!*channel->url.authority)
		error_set(error, ERROR_CONFIG, "there is no channel in the URL");
	else if (!room)
		error_set(error, ERROR_CONFIG, "that is no channel of Slack's");
	else if (channel->url.path[strspn(channel->url.path, "/")])
		error_set(error, ERROR_CONFIG, "there is something behind the channel in the URL");
	else
		return 0;
	return error_hint(error, "write it as slack://deploys, slack://#deploys or slack://C024BE91L");
}

int slack_check_address(const struct channel *channel, struct error *error)
{
	static const char *const parameters[] = {"title", "url", "thread", "quiet", NULL};

	if (check_room(channel, error) || url_check_parameters(&channel->url, parameters, error) ||
	    slack_thread_check(channel, error) || check_url(url_parameter(&channel->url, "url"), error))
		return -1;
	return check_footer(channel, error);
}
