/* SPDX-License-Identifier: MIT */
#include "http.h"

#include "alloc.h"
#include "error.h"
#include "http_exchange.h"
#include "str.h"
#include "time.h"
#include "transfer.h"
#include "url.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
	PROGRESS = 65536,          /* bytes after which a break counts as the first one */
	REFUSAL_LIMIT = 1 << 20,   /* bytes of a body that is not for the sink */
	MOST_CHANGES = 3,          /* how often a body may be another one when it is resumed */
};

struct http *http_open(const struct http_settings *settings)
{
	struct http *http = xcalloc(1, sizeof *http);

	if (settings)
		http->settings = *settings;
	http->curl = xrequire(curl_easy_init());
	return http;
}

void http_close(struct http *http)
{
	if (http)
		curl_easy_cleanup(http->curl);
	free(http);
}

const char *http_header(struct http *http, const char *name, size_t index)
{
	struct curl_header *header;

	return curl_easy_header(http->curl, name, index, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : NULL;
}

long long http_retry_after(struct http *http)
{
	curl_off_t seconds = 0;

	return curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0 ? (long long)seconds : 0;
}

long long http_pause(struct http *http, int retry)
{
	long long seconds = http_retry_after(http);

	if (seconds > 0)
		return seconds < INT_MAX ? seconds * 1000 : LLONG_MAX;
	return transfer_pause(retry);
}

char *http_last_host(struct http *http)
{
	char *url = NULL;

	return curl_easy_getinfo(http->curl, CURLINFO_EFFECTIVE_URL, &url) == CURLE_OK && url ? url_host(url) : xstrdup("");
}

long long http_clock_ahead(struct http *http)
{
	const char *date = http_header(http, "Date", 0);
	time_t there = date ? curl_getdate(date, NULL) : -1;

	return there < 0 ? 0 : (long long)there - time_now() / 1000;
}

/* Returns the first byte of a part (Content-Range, RFC 9110, 14.4), -1 when the answer does not tell. */
static long long part_start(struct http *http)
{
	const char *range = http_header(http, "Content-Range", 0);
	long long start;

	return range && sscanf(range, "bytes %18lld-", &start) == 1 ? start : -1;
}

/* True when an answer of 206 continues what was begun. Servers that do not know If-Range send the part of whatever they have now. A
 * Last-Modified may be missing then (RFC 9110, 15.3.7); an ETag may not. */
static bool is_continuation(const struct exchange *exchange)
{
	const char *validator = http_validator(exchange->http);

	if (part_start(exchange->http) != exchange->asked)
		return false;
	return str_equal(validator, exchange->validator) || (!validator && !strchr(exchange->validator, '"'));
}

/* Returns 0, or -1 when the attempt has to end. */
static int begin_sink(struct exchange *exchange)
{
	const struct http_sink *sink = exchange->request->sink;

	if (exchange->response->status == 206 && !(exchange->asked > 0 && is_continuation(exchange))) {
		exchange->changed = true;
		return -1;
	}
	exchange->position = exchange->begun = exchange->response->status == 206 ? exchange->asked : 0;
	free(exchange->validator);
	exchange->validator = xstrdup(http_validator(exchange->http));
	exchange->sink_failed = sink->begin(sink->context, exchange->begun, exchange->error) != 0;
	return exchange->sink_failed ? -1 : 0;
}

static int give_to_sink(struct exchange *exchange, const char *bytes, size_t length)
{
	const struct http_sink *sink = exchange->request->sink;
	size_t limit = exchange->request->limit;

	if (exchange->begun < 0 && begin_sink(exchange))
		return -1;
	if (limit && exchange->position + (long long)length > (long long)limit) {
		exchange->exceeded = limit;
		return -1;
	}
	exchange->sink_failed = sink->write(sink->context, bytes, length, exchange->error) != 0;
	exchange->position += (long long)length;
	return exchange->sink_failed ? -1 : 0;
}

static int give_to_response(struct exchange *exchange, const char *bytes, size_t length)
{
	struct buf *body = &exchange->response->body;
	size_t limit = exchange->request->sink ? REFUSAL_LIMIT : exchange->request->limit;

	if (length > limit - body->length) {
		exchange->exceeded = limit;
		return -1;
	}
	buf_add(body, bytes, length);
	return 0;
}

static bool is_for_sink(const struct exchange *exchange)
{
	return exchange->request->sink && (exchange->response->status == 200 || exchange->response->status == 206);
}

static void learn_status(struct exchange *exchange)
{
	curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &exchange->response->status);
}

/* Returns length, or another number to end the attempt, as libcurl wants it. */
static size_t receive(char *bytes, size_t one, size_t length, void *context)
{
	struct exchange *exchange = context;

	(void)one; /* libcurl says so */
	learn_status(exchange);
	int failed = is_for_sink(exchange) ? give_to_sink(exchange, bytes, length) : give_to_response(exchange, bytes, length);
	return failed ? length + 1 : length;
}

/* Makes one attempt. Returns 0 with its code, or -1 when it could not be set up. */
static int attempt(struct exchange *exchange, CURLcode *ret_code, struct error *error)
{
	buf_clear(&exchange->response->body);
	exchange->response->status = 0;
	exchange->detail[0] = '\0';
	exchange->asked = exchange->validator ? exchange->position : 0;
	exchange->begun = -1;
	exchange->exceeded = 0;
	exchange->changed = exchange->sink_failed = false;
	if (exchange->request->renew)
		exchange->request->renew(exchange->request->context);
	if (http_setup(exchange, receive, error))
		return -1;
	http_log_begin(exchange);
	*ret_code = curl_easy_perform(exchange->curl);
	learn_status(exchange);
	if (exchange->request->body_ms && exchange->response->status >= FIRST_FINAL)
		*ret_code = CURLE_OK; /* whatever has become of the body */
	http_log_end(exchange, *ret_code ? curl_easy_strerror(*ret_code) : NULL);
	if (*ret_code == CURLE_OK && exchange->begun < 0 && is_for_sink(exchange) && begin_sink(exchange))
		*ret_code = CURLE_WRITE_ERROR; /* of a body without a byte */
	if (*ret_code == CURLE_OK && exchange->response->status == 416 && exchange->asked > 0)
		exchange->changed = true; /* it is shorter now than what is there */
	return 0;
}

static bool is_passing(long status, bool only_passing)
{
	return status == 429 || (only_passing ? status >= 502 && status <= 504 : status == 408 || status >= 500);
}

static bool is_worth_retrying(const struct exchange *exchange, CURLcode code)
{
	return code == CURLE_OK ? is_passing(exchange->response->status, exchange->http->settings.only_passing)
				: transfer_is_passing(code);
}

/* Makes attempts until one is final: it succeeded, is not worth a retry, or there is no retry or no time left. Returns 0 with its
 * code, or -1. */
static int attempt_until_done(struct exchange *exchange, CURLcode *ret_code, struct error *error)
{
	int most = exchange->request->once ? 0 : exchange->http->settings.retries, changes = 0;

	for (int retry = 0;; retry++) {
		if (attempt(exchange, ret_code, error))
			return -1;
		if (exchange->changed && ++changes <= MOST_CHANGES) {
			exchange->position = 0;
			retry--;
			continue;
		}
		if (exchange->begun >= 0 && exchange->position - exchange->begun >= PROGRESS)
			retry = 0;
		if (retry >= most || !is_worth_retrying(exchange, *ret_code))
			return 0;
		long long pause = exchange->response->status ? http_pause(exchange->http, retry) : transfer_pause(retry);
		if (pause >= exchange->deadline - time_monotonic())
			return 0;
		http_log_pause(exchange, pause);
		time_sleep(pause);
	}
}

int http_exchange(struct http *http, const struct http_request *request, struct http_response *ret, struct error *error)
{
	struct exchange exchange = {
		.http = http,
		.curl = http->curl,
		.request = request,
		.response = ret,
		.error = error,
		.deadline = time_monotonic() + request->timeout_ms,
		.position = request->offset,
		.validator = xstrdup(request->validator),
	};
	CURLcode code;

	*ret = (struct http_response){0};
	int result = attempt_until_done(&exchange, &code, error);
	if (result == 0 && (code != CURLE_OK || exchange.changed))
		result = http_explain(&exchange, code, error);
	curl_easy_setopt(http->curl, CURLOPT_ERRORBUFFER, NULL); /* closing a connection may still have something to say */
	curl_slist_free_all(exchange.headers);
	free(exchange.validator);
	http_log_free(&exchange.log);
	return result;
}

void http_response_free(struct http_response *response)
{
	buf_free(&response->body);
	*response = (struct http_response){0};
}
