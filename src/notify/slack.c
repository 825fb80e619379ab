/* SPDX-License-Identifier: MIT */
#include "notify/slack.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "http.h"
#include "notify/slack_address.h"
#include "notify/slack_answer.h"
#include "notify/slack_message.h"
#include "notify/slack_thread.h"
#include "proc.h"
#include "secret.h"
#include "str.h"
#include "time.h"

#include <string.h>

enum {
	ANSWER_LIMIT = 1 << 20, /* bytes; it repeats the message */
	RETRIES = 4,
};

static const char token_name[] = "SLACK_TOKEN", url_name[] = "SLACK_API_URL", default_url[] = "https://slack.com/api";

/* What the calls of one message share. */
struct call {
	struct http *http;
	const char *url, *host, *room, *token;
	long long deadline; /* on the monotonic clock */
};

static char *place(const struct channel *channel)
{
	AUTO_FREE char *room = slack_room(channel);

	return xstrdup(room ? room + (*room == '#') : "");
}

/* Returns where the methods of the API are, without a slash at its end, for the caller to free; or NULL with ERROR_CONFIG. */
static char *find_url(struct error *error)
{
	const char *given = proc_variable(url_name);
	AUTO_FREE char *url = xstrdup(given ? given : default_url), *host = url_host(url);

	for (size_t length = strlen(url); length && url[length - 1] == '/'; length--)
		url[length - 1] = '\0';
	if ((str_starts(url, "https://") || str_starts(url, "http://")) && *host && !strpbrk(url, "@?# \t"))
		return steal_pointer(&url);
	error_set(error, ERROR_CONFIG, "%s is no http:// or https:// URL without user and query", url_name);
	error_hint(error, "for Slack itself none is needed; for a compatible server give what stands before chat.postMessage");
	return NULL;
}

/* Returns 0 with the token, which the caller frees, or -1 with ERROR_CONFIG. */
static int find_token(char **ret_token, struct error *error)
{
	AUTO_FREE char *token = NULL;

	if (secret_read(token_name, &token, error))
		return -1;
	for (const char *letter = token; letter && *letter; letter++)
		if (*letter <= ' ' || *letter > '~')
			return error_set(error, ERROR_CONFIG, "%s holds a character that no token has", token_name);
	if (!token) {
		error_set(error, ERROR_CONFIG, "there is no token");
		return error_hint(error, "give the bot token (xoxb-...) of a Slack app in SLACK_TOKEN, or in a file that "
					 "SLACK_TOKEN_FILE names");
	}
	*ret_token = steal_pointer(&token);
	return 0;
}

static int check(const struct channel *channel, struct error *error)
{
	AUTO_FREE char *token = NULL, *url = NULL;

	if (slack_check_address(channel, error))
		return -1;
	url = find_url(error);
	return url ? find_token(&token, error) : -1;
}

/* Makes the call within its time. Returns 0 with the answer, or -1. */
static int ask(const struct call *call, const char *body, struct slack_answer *ret, struct error *error)
{
	AUTO_FREE char *url = xasprintf("%s/chat.postMessage", call->url);
	AUTO_FREE char *authorization = xasprintf("Authorization: Bearer %s", call->token);
	const char *const headers[] = {"Content-Type: application/json; charset=utf-8", authorization, NULL};
	AUTO_RESPONSE struct http_response response = {0};
	const struct http_request request = {
		.method = "POST",
		.url = url,
		.headers = headers,
		.body = body,
		.body_length = strlen(body),
		.limit = ANSWER_LIMIT,
		.timeout_ms = call->deadline - time_monotonic(),
	};

	if (http_exchange(call->http, &request, &response, error))
		return -1;
	return slack_answer_read(ret, &response, call->host, error);
}

/* As ask, and asks again while the answer is a refusal that passes by itself, as long as there is time. Requests that had no
 * such answer are tried again by http. */
static int ask_until_done(const struct call *call, const char *body, struct slack_answer *ret, struct error *error)
{
	for (int retry = 0;; retry++) {
		slack_answer_free(ret);
		if (ask(call, body, ret, error))
			return -1;
		long long pause = http_pause(call->http, retry);
		if (!ret->code || !slack_answer_passes(ret) || retry >= RETRIES || pause >= call->deadline - time_monotonic())
			return 0;
		time_sleep(pause);
	}
}

/* What is taken begins the thread of the run, unless it went into one. */
static void remember(struct channel *channel, const char *thread, const struct slack_answer *answer)
{
	const char *ts = json_string(answer->json, "ts");

	if (thread || !slack_threads(channel) || !slack_is_ts(ts))
		return;
	free(channel->thread);
	channel->thread = xstrdup(ts);
}

/* Posts the message. A thread that nobody has asked for by its ts is given up when there is none: what is to be said counts
 * more. Returns as send does (channel.h). */
static int post(struct channel *channel, const struct call *call, const struct message *message, struct error *error)
{
	AUTO_FREE char *thread = slack_thread_find(channel, message);

	for (;;) {
		AUTO_FREE char *body = slack_message(channel, message, thread);
		AUTO_ANSWER struct slack_answer answer = {0};
		if (ask_until_done(call, body, &answer, error))
			return -1;
		if (!answer.code) {
			remember(channel, thread, &answer);
			return 0;
		}
		if (!thread || !slack_threads(channel) || !slack_answer_lacks_thread(&answer))
			return slack_answer_refuse(&answer, call->host, call->room, call->token, error);
		free(thread);
		thread = NULL;
	}
}

static int send(struct channel *channel, const struct message *message, long long timeout_ms, struct error *error)
{
	const struct http_settings settings = {.authorities = channel->authorities, .retries = RETRIES};
	AUTO_FREE char *token = NULL, *url = find_url(error);

	if (!url || find_token(&token, error))
		return -1;
	AUTO_FREE char *host = url_host(url), *room = slack_room(channel);
	AUTO_HTTP struct http *http = http_open(&settings);
	const struct call call = {
		.http = http,
		.url = url,
		.host = host,
		.room = room,
		.token = token,
		.deadline = time_monotonic() + timeout_ms,
	};
	return post(channel, &call, message, error);
}

const struct channel_ops slack_channel = {.sharp = true, .place = place, .check = check, .send = send};
