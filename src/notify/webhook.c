/* SPDX-License-Identifier: MIT */
#include "notify/webhook.h"

#include "alloc.h"
#include "digest.h"
#include "error.h"
#include "http.h"
#include "secret.h"
#include "str.h"
#include "time.h"

#include <stdio.h>
#include <string.h>

enum {
	ANSWER_LIMIT = 1 << 20, /* bytes of a body that nobody reads */
	BODY_MS = 2000,         /* that it may take */
	RETRIES = 4,
	MOST_PORT = 65535,
};

static const char secret_name[] = "WEBHOOK_SECRET";

static char *place(const struct channel *channel)
{
	return url_host(channel->address);
}

/* True for HOST[:PORT]. */
static bool is_host(const char *text)
{
	size_t length = *text == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":");
	long long port;

	if (length == 0 || length > strlen(text))
		return false;
	return !text[length] ||
	       (text[length] == ':' && str_to_number(text + length + 1, &port) == 0 && port > 0 && port <= MOST_PORT);
}

static int check(const struct channel *channel, struct error *error)
{
	AUTO_FREE char *secret = NULL, *host = place(channel);

	if (!is_host(host)) {
		error_set(error, ERROR_CONFIG, *host ? "the host or the port in the URL is none" : "there is no host in the URL");
		return error_hint(error, "write it as https://HOST/PATH or https://HOST:PORT/PATH");
	}
	return secret_read(secret_name, &secret, error);
}

/* The headers that sign a request, made anew before each try: a receiver refuses an old one, which somebody may have recorded. */
struct headers {
	const char *secret, *body;
	char timestamp[64], signature[64 + DIGEST_TEXT];
};

static void sign(void *context)
{
	struct headers *headers = context;
	AUTO_FREE char *content = xasprintf("%lld.%s", time_now() / 1000, headers->body);
	char text[DIGEST_TEXT];

	digest_hmac(headers->secret, content, strlen(content), text);
	snprintf(headers->timestamp, sizeof headers->timestamp, "Dewy-Timestamp: %.*s", (int)strcspn(content, "."), content);
	snprintf(headers->signature, sizeof headers->signature, "Dewy-Signature: sha256=%s", text);
}

/* True for a status that is about the request, whose body is all that differs from those for other notices. */
static bool is_about_body(long status)
{
	static const long others[] = {401, 402, 403, 404, 405, 407, 408, 410, 429}; /* the URL, who asks, or how often */

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (status == others[i])
			return false;
	return status >= 400 && status < 500;
}

static const char *hint_for(long status, bool is_signed)
{
	if (status < 400)
		return "give the URL that it redirects to";
	if (status == 401 || status == 403)
		return is_signed
			       ? "check that WEBHOOK_SECRET is that of the receiver, that its clock and this one agree, and the URL"
			       : "set WEBHOOK_SECRET, if the receiver wants signatures; if not, check the URL";
	if (status == 404 || status == 410)
		return "check the URL: nothing there takes notices, or does so no longer";
	if (status == 413)
		return "it finds the notice too large: let hooks print less, or raise the limit of the receiver or its proxy";
	return "check the URL and what the host says about it";
}

/* Returns 0, or as send does (channel.h) when the answer is none of success. Redirects are not followed: the document goes where
 * the user said. */
static int post(const struct channel *channel, const struct http_request *request, struct error *error)
{
	const struct http_settings settings = {.authorities = channel->authorities, .retries = RETRIES};
	AUTO_HTTP struct http *http = http_open(&settings);
	AUTO_RESPONSE struct http_response response = {0};

	if (http_exchange(http, request, &response, error))
		return -1;
	if (response.status >= 200 && response.status < 300)
		return 0;
	AUTO_FREE char *host = place(channel);
	error_set(error, ERROR_NETWORK, "%s answered %ld", host, response.status);
	error_hint(error, "%s", hint_for(response.status, request->renew));
	return is_about_body(response.status) ? 1 : -1;
}

static int send(struct channel *channel, const struct message *message, long long timeout_ms, struct error *error)
{
	AUTO_FREE char *secret = NULL, *body = message_body(message), *url = url_without(channel->address, channel_parameters);
	AUTO_FREE char *id = message_id(message), *delivery = xasprintf("Dewy-Delivery: %s", id);

	if (secret_read(secret_name, &secret, error))
		return -1;
	struct headers signature = {.secret = secret, .body = body};
	const char *const headers[] = {"Content-Type: application/json", delivery, secret ? signature.timestamp : NULL,
				       signature.signature, NULL};
	const struct http_request request = {
		.method = "POST",
		.url = url,
		.private_path = true,
		.headers = headers,
		.body = body,
		.body_length = strlen(body),
		.renew = secret ? sign : NULL,
		.context = &signature,
		.limit = ANSWER_LIMIT,
		.body_ms = BODY_MS,
		.timeout_ms = timeout_ms,
	};
	return post(channel, &request, error);
}

const struct channel_ops webhook_channel = {.place = place, .check = check, .send = send};
