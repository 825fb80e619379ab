/* SPDX-License-Identifier: MIT */
#include "alloc.h"
#include "error.h"
#include "http_exchange.h"
#include "redact.h"
#include "str.h"
#include "transfer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum {
	STALL_MS = 30000,
	STALL_SPEED = 1024,       /* bytes each second */
	LARGE_BUFFER = 512 << 10, /* bytes that are received at once */
};

/* An option that libcurl does not take would be a limit that does not hold: it is an error, not a shrug. */
#define SET(option, value) failed |= curl_easy_setopt(exchange->curl, option, value) != CURLE_OK

char *http_describe_trust(const struct http *http)
{
	return transfer_describe_trust(http->settings.authorities);
}

static bool is_secure(const struct exchange *exchange)
{
	return strncasecmp(exchange->request->url, "https:", 6) == 0;
}

static int set_protocols(struct exchange *exchange)
{
	bool plain = strncasecmp(exchange->request->url, "http:", 5) == 0;
	int failed = 0;

	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, plain ? "http,https" : "https");
	SET(CURLOPT_FOLLOWLOCATION, exchange->request->redirects > 0 ? 1L : 0L);
	SET(CURLOPT_MAXREDIRS, (long)exchange->request->redirects);
	SET(CURLOPT_PATH_AS_IS, 1L);
	if (exchange->request->direct)
		SET(CURLOPT_NOPROXY, "*");
	if (exchange->request->socket)
		SET(CURLOPT_UNIX_SOCKET_PATH, exchange->request->socket);
	return failed;
}

/* Called now and then, at least each second. Returns 1 to leave what has not come of a body that does not matter. */
static int leave_body(void *context, curl_off_t expected, curl_off_t received, curl_off_t to_send, curl_off_t sent)
{
	const struct exchange *exchange = context;
	curl_off_t began = 0, now = 0;
	long status = 0;

	(void)expected, (void)received, (void)to_send, (void)sent;
	curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(exchange->curl, CURLINFO_STARTTRANSFER_TIME_T, &began);
	curl_easy_getinfo(exchange->curl, CURLINFO_TOTAL_TIME_T, &now);
	return status >= FIRST_FINAL && now - began > exchange->request->body_ms * 1000;
}

static int set_limits(struct exchange *exchange)
{
	long long stall = exchange->http->settings.stall_ms;
	int failed = transfer_set_time(exchange->curl, exchange->deadline);

	SET(CURLOPT_LOW_SPEED_LIMIT, (long)STALL_SPEED);
	SET(CURLOPT_LOW_SPEED_TIME, (long)(((stall ? stall : STALL_MS) + 999) / 1000));
	SET(CURLOPT_EXPECT_100_TIMEOUT_MS, 1L); /* no second of waiting before a large body */
	if (exchange->request->body_ms) {
		SET(CURLOPT_NOPROGRESS, 0L);
		SET(CURLOPT_XFERINFOFUNCTION, leave_body);
		SET(CURLOPT_XFERINFODATA, exchange);
	}
	return failed;
}

static int set_signature(struct exchange *exchange)
{
	const struct http_signature *signature = exchange->request->signature;
	int failed = 0;

	if (!signature)
		return 0;
	SET(CURLOPT_AWS_SIGV4, signature->scope);
	SET(CURLOPT_USERNAME, signature->key_id);
	SET(CURLOPT_PASSWORD, signature->secret);
	return failed;
}

static int set_request(struct exchange *exchange, curl_write_callback write)
{
	const struct http_request *request = exchange->request;
	int failed = 0;

	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
	SET(CURLOPT_HTTPHEADER, exchange->headers);
	if (request->body) {
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
		SET(CURLOPT_POSTFIELDS, request->body);
	}
	if (str_equal(request->method, "HEAD"))
		SET(CURLOPT_NOBODY, 1L);
	else if (request->method && !(request->body && str_equal(request->method, "POST")))
		SET(CURLOPT_CUSTOMREQUEST, request->method);
	SET(CURLOPT_WRITEFUNCTION, write);
	SET(CURLOPT_WRITEDATA, exchange);
	if (request->large)
		SET(CURLOPT_BUFFERSIZE, (long)LARGE_BUFFER);
	SET(CURLOPT_ERRORBUFFER, exchange->detail);
	return failed;
}

/* Servers and proxies that are being debugged repeat what they were asked, and refusals end in messages that people read. */
static void learn_secret(const char *header)
{
	AUTO_FREE char *name = xstrndup(header, strcspn(header, ":"));
	const char *space = strrchr(header, ' ');

	if (redact_is_secret_name(name))
		redact_learn(space ? space + 1 : NULL);
}

static void add_header(struct exchange *exchange, const char *header)
{
	exchange->headers = xrequire(curl_slist_append(exchange->headers, header));
}

/* A line break in a value would begin a header of somebody else's. */
static int check_header(const char *header, struct error *error)
{
	for (const char *letter = header; *letter; letter++)
		if (iscntrl((unsigned char)*letter) && *letter != '\t')
			return error_set(error, ERROR_CONFIG, "the value of the HTTP header %.*s has a control character in it",
					 (int)strcspn(header, ":\r\n"), header);
	return 0;
}

/* The signature's key id becomes part of a header. */
static int check_key_id(const struct http_signature *signature, struct error *error)
{
	for (const char *letter = signature ? signature->key_id : ""; *letter; letter++)
		if (iscntrl((unsigned char)*letter))
			return error_set(error, ERROR_CONFIG, "the access key id has a control character in it");
	return 0;
}

/* Asks for what follows the bytes that are there, if they are still the same. */
static void add_range(struct exchange *exchange)
{
	AUTO_FREE char *range = xasprintf("Range: bytes=%lld-", exchange->asked);
	AUTO_FREE char *condition = xasprintf("If-Range: %s", exchange->validator);

	add_header(exchange, range);
	add_header(exchange, condition);
}

static int set_headers(struct exchange *exchange, struct error *error)
{
	curl_slist_free_all(steal_pointer(&exchange->headers));
	for (const char *const *header = exchange->request->headers; header && *header; header++) {
		if (check_header(*header, error))
			return -1;
		learn_secret(*header);
		add_header(exchange, *header);
	}
	if (exchange->asked > 0)
		add_range(exchange);
	return 0;
}

int http_setup(struct exchange *exchange, curl_write_callback write, struct error *error)
{
	if (set_headers(exchange, error) || check_key_id(exchange->request->signature, error))
		return -1;
	curl_easy_reset(exchange->curl);
	if (transfer_set_trust(exchange->curl, exchange->http->settings.authorities, is_secure(exchange)) ||
	    set_protocols(exchange) || set_limits(exchange) || set_signature(exchange) || set_request(exchange, write))
		return transfer_lacks_option(error);
	return 0;
}
