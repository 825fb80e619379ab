/* SPDX-License-Identifier: MIT */
#include "http_log.h"

#include "alloc.h"
#include "http_exchange.h"
#include "log.h"
#include "str.h"
#include "time.h"
#include "url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char hidden[] = "[redacted]";

/* Headers of requests and answers that hold no secret; one that ends in * is a prefix. */
static const char *const shown_headers[] = {
	"Accept", "Accept-Ranges", "Age", "Cache-Control", "Content-Encoding", "Content-Length", "Content-Range", "Content-Type",
	"Date", "ETag", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "Last-Modified", "Metadata-Flavor", "Range",
	"RateLimit*", "Retry-After", "Server", "Transfer-Encoding", "User-Agent", "Via", "X-Amz-Bucket-Region",
	"X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Id-2", "X-Amz-Request-Id", "X-GitHub-Api-Version*", "X-GitHub-Request-Id",
	"X-Goog-Generation", "X-Guploader-Uploadid", "X-RateLimit*", NULL,
};

/* Parameters of URLs that hold no secret. */
static const char *const shown_parameters[] = {
	"alt", "continuation-token", "delimiter", "encoding-type", "fields", "list-type", "max-keys", "maxResults", "name", "page",
	"pageToken", "per_page", "prefix", "scopes", "start-after", "startOffset", "uploadType", NULL,
};

static bool is_listed(const char *const *list, const char *name, size_t length)
{
	for (; *list; list++) {
		size_t prefix = strcspn(*list, "*");
		if (((*list)[prefix] ? length >= prefix : length == prefix) && strncasecmp(*list, name, prefix) == 0)
			return true;
	}
	return false;
}

static void add_query(struct buf *shown, const char *query)
{
	while (*query && *query != '#') {
		size_t name = strcspn(++query, "=&#"), length = strcspn(query, "&#");
		buf_printf(shown, "%c%.*s", query[-1], (int)name, query);
		if (name < length && is_listed(shown_parameters, query, name))
			buf_add(shown, query + name, length - name);
		else if (name < length)
			buf_printf(shown, "=%s", hidden);
		query += length;
	}
}

/* Appends a URL without its secrets. */
static void add_url(struct buf *shown, const char *url, bool private_path)
{
	AUTO_FREE char *public = url_public(url), *host = url_host(url);

	if (private_path && *host)
		buf_printf(shown, "%.*s://%s/%s", (int)strcspn(url, ":"), url, host, hidden);
	else if (private_path)
		buf_puts(shown, hidden);
	else {
		buf_puts(shown, public);
		add_query(shown, url + strcspn(url, "?#"));
	}
}

/* Appends the header in a line that may end in CR LF, when it may be shown. */
static void add_header(const struct exchange *exchange, struct buf *headers, const char *line, size_t length)
{
	size_t name = 0;

	while (length && strchr("\r\n", line[length - 1]))
		length--;
	while (name < length && line[name] != ':')
		name++;
	bool leads = name == strlen("Location") && strncasecmp(line, "Location", name) == 0;
	if (name == length || !(leads || is_listed(shown_headers, line, name)))
		return;
	buf_puts(headers, headers->length ? "\n" : "");
	if (!leads) {
		buf_add(headers, line, length);
		return;
	}
	AUTO_FREE char *value = xstrndup(line + name + 1, length - name - 1);
	buf_puts(headers, "Location: ");
	add_url(headers, value + strspn(value, " \t"), exchange->request->private_path);
}

static void add_number(char text[24], long long number)
{
	snprintf(text, 24, "%lld", number);
}

/* Prints the line of the request under way; reason, or NULL, is why there is no answer, or no whole one. */
static void print_line(struct exchange *exchange, const char *reason, long long ended_at)
{
	struct http_log *log = &exchange->log;
	AUTO_BUF struct buf duration = {0};
	char status[24], up[24], down[24], attempt[24];

	add_number(status, log->status);
	add_number(up, log->up);
	add_number(down, log->down);
	add_number(attempt, log->attempt);
	str_add_duration(&duration, ended_at - log->started_at);
	log_debug("HTTP request", "method", log->method, "url", buf_text(&log->url), "status", log->status ? status : NULL,
		  "error", reason, "sent", up, "received", down, "duration", buf_text(&duration), "attempt", attempt,
		  "address", log->address.length ? log->address.data : NULL, "tls", *log->tls ? log->tls : NULL,
		  "http", *log->version ? log->version : NULL, "request", log->request.length ? log->request.data : NULL,
		  "response", log->response.length ? log->response.data : NULL);
	log->sent = false;
}

/* Begins what is known of a request with what was asked for. */
static void begin_request(struct exchange *exchange, const char *method, const char *url)
{
	struct http_log *log = &exchange->log;

	snprintf(log->method, sizeof log->method, "%s", method);
	log->version[0] = log->tls[0] = '\0';
	log->status = 0;
	log->started_at = log->answered_at = time_monotonic();
	log->up = log->down = 0;
	buf_clear(&log->url);
	buf_clear(&log->address);
	buf_clear(&log->request);
	buf_clear(&log->response);
	add_url(&log->url, url, exchange->request->private_path);
}

static void learn_address(struct exchange *exchange)
{
	if (exchange->request->socket)
		buf_puts(&exchange->log.address, exchange->request->socket);
	else
		transfer_add_address(exchange->curl, &exchange->log.address);
}

/* Adds the headers of a request, which follow its first line. */
static void add_headers(struct exchange *exchange, const char *head, const char *end)
{
	for (const char *line = head; (line = memchr(line, '\n', (size_t)(end - line))) && ++line < end;) {
		const char *next = memchr(line, '\n', (size_t)(end - line));
		add_header(exchange, &exchange->log.request, line, (size_t)((next ? next : end) - line));
	}
}

/* Takes the head of a request that libcurl sends: the first of an attempt, that after a redirect, or the CONNECT to a proxy. */
static void take_request(struct exchange *exchange, const char *head, size_t length)
{
	struct http_log *log = &exchange->log;
	long long started_at = log->sent ? log->answered_at : log->started_at;
	const char *url = NULL, *space = memchr(head, ' ', length);
	AUTO_FREE char *method = xstrndup(head, space ? (size_t)(space - head) : 0);

	if (log->sent)
		print_line(exchange, NULL, log->answered_at);
	curl_easy_getinfo(exchange->curl, CURLINFO_EFFECTIVE_URL, &url);
	begin_request(exchange, method, url && *url ? url : exchange->request->url);
	log->started_at = started_at;
	log->sent = true;
	memcpy(log->tls, log->handshake, sizeof log->tls);
	log->handshake[0] = '\0';
	learn_address(exchange);
	add_headers(exchange, head, head + length);
}

/* Takes one line of the head of an answer; that of an interim answer is followed by another head. */
static void take_answer(struct exchange *exchange, const char *line, size_t length)
{
	struct http_log *log = &exchange->log;
	AUTO_FREE char *text = xstrndup(line, length);

	log->answered_at = time_monotonic();
	if (!str_starts(text, "HTTP/")) {
		add_header(exchange, &log->response, line, length);
		return;
	}
	const char *version = text + strlen("HTTP/");
	snprintf(log->version, sizeof log->version, "%.*s", (int)strspn(version, "0123456789."), version);
	log->status = strtol(version + strcspn(version, " "), NULL, 10);
	buf_clear(&log->response);
}

static void take_body(struct http_log *log, size_t length)
{
	log->answered_at = time_monotonic();
	log->down += (long long)length;
}

/* As CURLOPT_DEBUGFUNCTION wants it. */
static int take(CURL *curl, curl_infotype type, char *bytes, size_t length, void *context)
{
	struct exchange *exchange = context;

	(void)curl;
	if (type == CURLINFO_TEXT)
		transfer_take_tls(bytes, length, exchange->log.handshake);
	else if (type == CURLINFO_HEADER_OUT)
		take_request(exchange, bytes, length);
	else if (type == CURLINFO_HEADER_IN)
		take_answer(exchange, bytes, length);
	else if (type == CURLINFO_DATA_IN)
		take_body(&exchange->log, length);
	else if (type == CURLINFO_DATA_OUT)
		exchange->log.up += (long long)length;
	return 0;
}

void http_log_begin(struct exchange *exchange)
{
	const struct http_request *request = exchange->request;

	if (!log_enabled(LOG_DEBUG))
		return;
	exchange->log.attempt++;
	begin_request(exchange, request->method ? request->method : request->body ? "POST" : "GET", request->url);
	curl_easy_setopt(exchange->curl, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(exchange->curl, CURLOPT_DEBUGFUNCTION, take);
	curl_easy_setopt(exchange->curl, CURLOPT_DEBUGDATA, exchange);
}

void http_log_end(struct exchange *exchange, const char *reason)
{
	if (!log_enabled(LOG_DEBUG))
		return;
	print_line(exchange, reason, time_monotonic());
	curl_easy_setopt(exchange->curl, CURLOPT_VERBOSE, 0L); /* closing a connection may still have something to say */
}

void http_log_pause(const struct exchange *exchange, long long milliseconds)
{
	AUTO_BUF struct buf pause = {0}, url = {0};

	if (!log_enabled(LOG_DEBUG))
		return;
	str_add_duration(&pause, milliseconds);
	add_url(&url, exchange->request->url, exchange->request->private_path);
	log_debug("HTTP request is made again", "url", buf_text(&url), "pause", buf_text(&pause));
}

void http_log_free(struct http_log *log)
{
	buf_free(&log->url);
	buf_free(&log->address);
	buf_free(&log->request);
	buf_free(&log->response);
}
