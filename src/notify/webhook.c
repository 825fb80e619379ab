/* SPDX-License-Identifier: MIT */
#include "notify/webhook.h"

#include "alloc.h"
#include "digest.h"
#include "error.h"
#include "http.h"
#include "secret.h"
#include "str.h"
#include "time.h"

#include <string.h>

enum {
	ANSWER_LIMIT = 1 << 20, /* bytes; nobody reads them */
	RETRIES = 4,
	OUTPUT_LINES = 20,   /* of each stream of a hook in the text; the document has all that is known */
	OUTPUT_BYTES = 2000,
};

static const char secret_name[] = "WEBHOOK_SECRET";

static char *place(const struct channel *channel)
{
	return url_host(channel->address);
}

static int check(const struct channel *channel, struct error *error)
{
	AUTO_FREE char *secret = NULL, *host = place(channel);

	if (!*host) {
		error_set(error, ERROR_CONFIG, "there is no host in the URL");
		return error_hint(error, "write it as https://HOST/PATH");
	}
	return secret_read(secret_name, &secret, error);
}

static char *body_of(const struct message *message)
{
	AUTO_JSON cJSON *body = xrequire(cJSON_CreateObject());
	AUTO_FREE char *text = message_plain(message, OUTPUT_LINES, OUTPUT_BYTES);

	json_set_string(body, "text", text);
	xrequire(cJSON_AddItemReferenceToObject(body, "notice", message->notice) ? body : NULL);
	xrequire(cJSON_AddItemReferenceToObject(body, "document", message->document) ? body : NULL);
	return json_print(body);
}

static char *signature_of(const char *secret, const char *seconds, const char *body)
{
	AUTO_FREE char *content = xasprintf("%s.%s", seconds, body);
	char text[DIGEST_TEXT];

	digest_hmac(secret, content, strlen(content), text);
	return xasprintf("Dewy-Signature: sha256=%s", text);
}

/* Returns 0, or -1 when the answer is none of success. Redirects are not followed: the document goes where the user said. */
static int post(const struct channel *channel, const char *const *headers, const char *body, long long timeout_ms, struct error *error)
{
	const struct http_settings settings = {.authorities = channel->authorities, .retries = RETRIES};
	AUTO_FREE char *url = url_without(channel->address, channel_parameters);
	AUTO_HTTP struct http *http = http_open(&settings);
	AUTO_RESPONSE struct http_response response = {0};
	const struct http_request request = {
		.method = "POST",
		.url = url,
		.headers = headers,
		.body = body,
		.body_length = strlen(body),
		.limit = ANSWER_LIMIT,
		.timeout_ms = timeout_ms,
	};

	if (http_exchange(http, &request, &response, error))
		return -1;
	if (response.status >= 200 && response.status < 300)
		return 0;
	AUTO_FREE char *host = place(channel);
	error_set(error, ERROR_NETWORK, "%s answered %ld", host, response.status);
	return error_hint(error, response.status < 400 ? "give the URL that it redirects to"
						       : "check the URL and what the host says about it");
}

static int send(struct channel *channel, const struct message *message, long long timeout_ms, struct error *error)
{
	AUTO_FREE char *secret = NULL;
	AUTO_FREE char *body = body_of(message);
	AUTO_FREE char *seconds = xasprintf("%lld", time_now() / 1000);
	AUTO_FREE char *timestamp = xasprintf("Dewy-Timestamp: %s", seconds);

	if (secret_read(secret_name, &secret, error))
		return -1;
	AUTO_FREE char *signature = secret ? signature_of(secret, seconds, body) : NULL;
	const char *const headers[] = {"Content-Type: application/json", signature ? timestamp : NULL, signature, NULL};
	return post(channel, headers, body, timeout_ms, error);
}

const struct channel_ops webhook_channel = {.place = place, .check = check, .send = send};
