/* SPDX-License-Identifier: MIT */
#include "http_answers.h"

#include "alloc.h"
#include "error.h"
#include "fuzz.h"
#include "http.h"
#include "str.h"
#include "time.h"
#include "url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct http {
	char *head; /* of the last answer: its lines */
	char *host;
};

static const uint8_t *answers;
static size_t answers_length;

void http_answers(const uint8_t *bytes, size_t length)
{
	answers = bytes;
	answers_length = length;
}

struct http *http_open(const struct http_settings *settings)
{
	(void)settings;
	return xcalloc(1, sizeof(struct http));
}

void http_close(struct http *http)
{
	if (!http)
		return;
	free(http->head);
	free(http->host);
	free(http);
}

/* Returns the value of the header at line when it is the one of that name, else NULL. */
static char *value_at(char *line, const char *name)
{
	size_t length = strlen(name);

	if (strncasecmp(line, name, length) != 0 || line[length] != ':')
		return NULL;
	line += length + 1;
	return line + strspn(line, " ");
}

/* The lines of head end in zero bytes, and an empty one ends it. */
const char *http_header(struct http *http, const char *name, size_t index)
{
	for (char *line = http->head; line && *line; line += strlen(line) + 1) {
		char *value = value_at(line, name);
		if (value && index-- == 0)
			return value;
	}
	return NULL;
}

static long long number_of(struct http *http, const char *name)
{
	const char *text = http_header(http, name, 0);
	long long number;

	return text && str_to_number(text, &number) == 0 ? number : 0;
}

long long http_retry_after(struct http *http)
{
	return number_of(http, "Retry-After");
}

long long http_pause(struct http *http, int retry)
{
	(void)http, (void)retry;
	return 0;
}

char *http_last_host(struct http *http)
{
	return xstrdup(http->host ? http->host : "");
}

char *http_describe_trust(const struct http *http)
{
	(void)http;
	return xstrdup("nothing");
}

long long http_clock_ahead(struct http *http)
{
	const char *date = http_header(http, "Date", 0);
	time_t there = date ? curl_getdate(date, NULL) : -1;

	return there < 0 ? 0 : (long long)there - time_now() / 1000;
}

/* Takes the next answer off. Returns its length. */
static size_t take_answer(const uint8_t **ret_bytes)
{
	const uint8_t *end = answers_length ? memchr(answers, '\f', answers_length) : NULL;
	size_t length = end ? (size_t)(end - answers) : answers_length;

	*ret_bytes = answers;
	answers = end ? end + 1 : NULL;
	answers_length -= length + (end != NULL);
	return length;
}

/* Keeps the head of the answer. Returns where its body begins. */
static size_t keep_head(struct http *http, const uint8_t *bytes, size_t length)
{
	size_t end = 0;

	while (end < length && !(bytes[end] == '\n' && (end == 0 || bytes[end - 1] == '\n')))
		end++;
	free(http->head);
	http->head = xcalloc(end + 2, 1);
	memcpy(http->head, length ? (const char *)bytes : "", end);
	for (char *letter = http->head; letter < http->head + end; letter++)
		if (*letter == '\n')
			*letter = '\0';
	return end < length ? end + 1 : length;
}

/* Gives the body to the sink: in pieces of X-Piece bytes, and anew after X-Break of them. */
static int give(struct http *http, const struct http_request *request, const uint8_t *body, size_t length, struct error *error)
{
	const struct http_sink *sink = request->sink;
	long long piece = number_of(http, "X-Piece"), stop = number_of(http, "X-Break");
	size_t step = piece > 0 && piece < (long long)length ? (size_t)piece : length;

	if (sink->begin(sink->context, 0, error))
		return -1;
	if (stop > 0 && stop < (long long)length &&
	    (sink->write(sink->context, body, (size_t)stop, error) || sink->begin(sink->context, 0, error)))
		return -1;
	for (size_t at = 0; at < length; at += step)
		if (sink->write(sink->context, body + at, length - at < step ? length - at : step, error))
			return -1;
	return 0;
}

int http_exchange(struct http *http, const struct http_request *request, struct http_response *ret, struct error *error)
{
	const uint8_t *bytes;
	size_t length = take_answer(&bytes);

	*ret = (struct http_response){0};
	free(http->host);
	http->host = url_host(request->url);
	if (!length)
		return error_set(error, ERROR_NETWORK, "cannot reach %s: no connection", http->host);
	size_t begin = keep_head(http, bytes, length);
	ret->status = strtol(http->head, NULL, 10);
	if (request->sink && (ret->status == 200 || ret->status == 206))
		return give(http, request, bytes + begin, length - begin, error);
	if (length - begin > (request->sink ? 1 << 20 : request->limit))
		return error_set(error, ERROR_NETWORK, "%s: its answer is larger than %zu bytes", http->host, request->limit);
	buf_add(&ret->body, bytes + begin, length - begin);
	return 0;
}

void http_response_free(struct http_response *response)
{
	buf_free(&response->body);
	*response = (struct http_response){0};
}
