/* SPDX-License-Identifier: MIT */
#include "http.h"

#include "alloc.h"
#include "error.h"
#include "str.h"
#include "time.h"
#include "url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

enum {
	CONNECT_MS = 10000,
	STALL_SECONDS = 30, /* without a byte, and the connection is given up */
	PAUSE_MS = 250,     /* before the first retry; it doubles */
	LONGEST_PAUSE_MS = 30000,
};

static const char hashed_directory[] = "/etc/ssl/certs";

struct exchange {
	const struct http_request *request;
	struct http_response *response;
	CURL *curl;
	struct curl_slist *headers;
	char *host;
	long long deadline; /* milliseconds on the monotonic clock */
	bool too_large;
	char detail[CURL_ERROR_SIZE];
};

/* An option that libcurl does not take would be a limit that does not hold: it is an error, not a shrug. */
#define SET(option, value) failed |= curl_easy_setopt(exchange->curl, option, value) != CURLE_OK

static size_t collect(char *bytes, size_t one, size_t length, void *context)
{
	struct exchange *exchange = context;
	struct buf *body = &exchange->response->body;

	(void)one; /* libcurl says so */
	if (length > exchange->request->limit - body->length) {
		exchange->too_large = true;
		return 0;
	}
	buf_add(body, bytes, length);
	return length;
}

/* True when the directory has a name such as 002c0b4f.0 (openssl-rehash(1)) that leads to a file. */
static bool is_hashed(const char *path)
{
	AUTO_CLOSEDIR DIR *directory = opendir(path);
	const struct dirent *entry;
	struct stat status;

	while (directory && (entry = readdir(directory)))
		if (strspn(entry->d_name, "0123456789abcdef") == 8 && entry->d_name[8] == '.' &&
		    isdigit((unsigned char)entry->d_name[9]) && fstatat(dirfd(directory), entry->d_name, &status, 0) == 0 &&
		    S_ISREG(status.st_mode))
			return true;
	return false;
}

static const char *user_authorities(void)
{
	static const char *const variables[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE"};

	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
		const char *file = getenv(variables[i]);
		if (file && *file)
			return file;
	}
	return NULL;
}

/* Parsing the bundle of all authorities takes longer than the rest of a short exchange; of a hashed directory, only the
 * authority in question is read. */
static int set_trust(struct exchange *exchange)
{
	const char *file = user_authorities();
	int failed = 0;

	if (file) {
		SET(CURLOPT_CAINFO, file);
		SET(CURLOPT_CAPATH, NULL);
	} else if (is_hashed(hashed_directory) && curl_easy_setopt(exchange->curl, CURLOPT_CAPATH, hashed_directory) == CURLE_OK) {
		SET(CURLOPT_CAINFO, NULL);
	}
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	return failed;
}

static int set_protocols(struct exchange *exchange)
{
	bool plain = strncasecmp(exchange->request->url, "http:", 5) == 0;
	int failed = 0;

#if LIBCURL_VERSION_NUM >= 0x075500
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, plain ? "http,https" : "https");
#else
	SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
	SET(CURLOPT_REDIR_PROTOCOLS, (long)(plain ? CURLPROTO_HTTP | CURLPROTO_HTTPS : CURLPROTO_HTTPS));
#endif
	SET(CURLOPT_FOLLOWLOCATION, exchange->request->redirects > 0 ? 1L : 0L);
	SET(CURLOPT_MAXREDIRS, (long)exchange->request->redirects);
	return failed;
}

static int set_limits(struct exchange *exchange)
{
	int failed = 0;

	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
	SET(CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS);
	SET(CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	SET(CURLOPT_QUICK_EXIT, 1L); /* else cleaning up waits for a name server that does not answer */
#endif
	return failed;
}

static int set_request(struct exchange *exchange)
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
	SET(CURLOPT_WRITEFUNCTION, collect);
	SET(CURLOPT_WRITEDATA, exchange);
	SET(CURLOPT_ERRORBUFFER, exchange->detail);
	return failed;
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

static int set_headers(struct exchange *exchange, struct error *error)
{
	for (const char *const *header = exchange->request->headers; header && *header; header++) {
		if (check_header(*header, error))
			return -1;
		add_header(exchange, *header);
	}
	add_header(exchange, "Expect:"); /* no round trip, and no second of waiting, before a large body */
	return 0;
}

static int prepare(struct exchange *exchange, struct error *error)
{
	exchange->curl = xrequire(curl_easy_init());
	if (set_headers(exchange, error))
		return -1;
	if (set_trust(exchange) || set_protocols(exchange) || set_limits(exchange) || set_request(exchange))
		return error_set(error, ERROR_INTERNAL, "libcurl %s lacks an option", curl_version_info(CURLVERSION_NOW)->version);
	return 0;
}

static CURLcode attempt(struct exchange *exchange)
{
	long long left = exchange->deadline - time_monotonic();

	buf_clear(&exchange->response->body);
	exchange->detail[0] = '\0';
	curl_easy_setopt(exchange->curl, CURLOPT_TIMEOUT_MS, left < 1 ? 1L : left > LONG_MAX ? LONG_MAX : (long)left);
	CURLcode code = curl_easy_perform(exchange->curl);
	curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &exchange->response->status);
	return code;
}

static bool is_worth_retrying(CURLcode code, long status)
{
	switch (code) {
	case CURLE_OK:
		return status == 408 || status == 429 || status >= 500;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return true;
	default:
		return false;
	}
}

/* Returns the milliseconds to wait before the retry of that number: what the server asks for (Retry-After, RFC 9110, 10.2.3),
 * else a pause that doubles, half of it by chance, so that many machines do not come back at once. */
static long long pause_before(const struct exchange *exchange, int retry)
{
	long long pause = retry < 8 ? (long long)PAUSE_MS << retry : LONGEST_PAUSE_MS;
	curl_off_t seconds = 0;
	unsigned chance = 0;

	if (exchange->response->status && curl_easy_getinfo(exchange->curl, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK &&
	    seconds > 0)
		return seconds < INT_MAX ? (long long)seconds * 1000 : LLONG_MAX;
	if (pause > LONGEST_PAUSE_MS)
		pause = LONGEST_PAUSE_MS;
	(void)!getrandom(&chance, sizeof chance, GRND_NONBLOCK); /* without it, the pause is only less well spread */
	return pause / 2 + chance % (pause / 2 + 1);
}

static CURLcode attempt_until_done(struct exchange *exchange)
{
	for (int retry = 0;; retry++) {
		CURLcode code = attempt(exchange);
		if (retry >= exchange->request->retries || !is_worth_retrying(code, exchange->response->status))
			return code;
		long long pause = pause_before(exchange, retry);
		if (pause >= exchange->deadline - time_monotonic())
			return code;
		time_sleep(pause);
	}
}

static const char *reason(CURLcode code)
{
	static const struct {
		CURLcode code;
		const char *reason;
	} reasons[] = {
		{CURLE_URL_MALFORMAT, "its URL is damaged"},
		{CURLE_UNSUPPORTED_PROTOCOL, "it leads to a URL that is not https"},
		{CURLE_COULDNT_RESOLVE_HOST, "the host name is unknown"},
		{CURLE_COULDNT_RESOLVE_PROXY, "the host name of the proxy is unknown"},
		{CURLE_COULDNT_CONNECT, "no connection"},
		{CURLE_OPERATION_TIMEDOUT, "timed out"},
		{CURLE_SSL_CONNECT_ERROR, "no agreement on a TLS connection"},
		{CURLE_PEER_FAILED_VERIFICATION, "its certificate was refused"},
		{CURLE_SSL_CACERT_BADFILE, "the file of the trusted certificate authorities cannot be read"},
		{CURLE_TOO_MANY_REDIRECTS, "too many redirects"},
		{CURLE_GOT_NOTHING, "it closed the connection without an answer"},
		{CURLE_SEND_ERROR, "the connection broke"},
		{CURLE_RECV_ERROR, "the connection broke"},
		{CURLE_PARTIAL_FILE, "the answer ended too early"},
	};

	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].code == code)
			return reasons[i].reason;
	return curl_easy_strerror(code);
}

static int explain(const struct exchange *exchange, CURLcode code, struct error *error)
{
	long number = 0;

	if (exchange->too_large)
		return error_set(error, ERROR_NETWORK, "%s: its answer is larger than %zu bytes", exchange->host,
				 exchange->request->limit);
	error_set(error, ERROR_NETWORK, "cannot reach %s: %s", exchange->host, reason(code));
	if (code == CURLE_COULDNT_CONNECT && curl_easy_getinfo(exchange->curl, CURLINFO_OS_ERRNO, &number) == CURLE_OK && number)
		error_set(error, ERROR_NETWORK, "cannot reach %s: %s", exchange->host, strerror((int)number));
	if (code != CURLE_PEER_FAILED_VERIFICATION)
		return -1;
	if (exchange->detail[0])
		error_set(error, ERROR_NETWORK, "cannot reach %s: %s: %s", exchange->host, reason(code), exchange->detail);
	return error_hint(error, "name the file of its certificate authority in SSL_CERT_FILE");
}

int http_exchange(const struct http_request *request, struct http_response *ret, struct error *error)
{
	AUTO_FREE char *host = url_host(request->url);
	struct exchange exchange = {
		.request = request,
		.response = ret,
		.host = host,
		.deadline = time_monotonic() + request->timeout_ms,
	};

	*ret = (struct http_response){0};
	int result = prepare(&exchange, error);
	if (result == 0) {
		CURLcode code = attempt_until_done(&exchange);
		result = code == CURLE_OK ? 0 : explain(&exchange, code, error);
	}
	curl_slist_free_all(exchange.headers);
	curl_easy_cleanup(exchange.curl);
	return result;
}

void http_response_free(struct http_response *response)
{
	buf_free(&response->body);
	*response = (struct http_response){0};
}
