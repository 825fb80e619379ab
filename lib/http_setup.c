/* SPDX-License-Identifier: MIT */
#include "alloc.h"
#include "error.h"
#include "http_exchange.h"
#include "proc.h"
#include "redact.h"
#include "str.h"
#include "time.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum {
	CONNECT_MS = 10000,
	STALL_MS = 30000,
	STALL_SPEED = 1024, /* bytes each second */
};

static const char hashed_directory[] = "/etc/ssl/certs";

/* An option that libcurl does not take would be a limit that does not hold: it is an error, not a shrug. */
#define SET(option, value) failed |= curl_easy_setopt(exchange->curl, option, value) != CURLE_OK

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

/* Returns the file and who names it, or NULL. */
static const char *find_authorities(const struct http *http, const char **ret_named_by)
{
	static const char *const variables[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE"};

	*ret_named_by = "--cacert";
	if (http->settings.authorities)
		return http->settings.authorities;
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
		const char *file = proc_variable(*ret_named_by = variables[i]);
		if (file)
			return file;
	}
	return NULL;
}

const char *http_authorities(const struct http *http)
{
	const char *named_by;

	return find_authorities(http, &named_by);
}

char *http_describe_trust(const struct http *http)
{
	const char *named_by, *file = find_authorities(http, &named_by), *bundle = curl_version_info(CURLVERSION_NOW)->cainfo;

	if (file)
		return xasprintf("%s, which %s names", file, named_by);
	return xstrdup(is_hashed(hashed_directory) ? hashed_directory : bundle ? bundle : "nothing");
}

/* Parsing the bundle of all authorities takes longer than the rest of a short exchange; of a hashed directory, only the
 * authority in question is read. */
static int set_trust(struct exchange *exchange)
{
	const char *file = http_authorities(exchange->http);
	int failed = 0;

	if (file) {
		SET(CURLOPT_CAINFO, file);
		SET(CURLOPT_CAPATH, NULL);
	} else if (strncasecmp(exchange->request->url, "https:", 6) == 0 && is_hashed(hashed_directory) &&
		   curl_easy_setopt(exchange->curl, CURLOPT_CAPATH, hashed_directory) == CURLE_OK) {
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

static int set_limits(struct exchange *exchange)
{
	long long left = exchange->deadline - time_monotonic(), stall = exchange->http->settings.stall_ms;
	int failed = 0;

	SET(CURLOPT_TIMEOUT_MS, left < 1 ? 1L : left > LONG_MAX ? LONG_MAX : (long)left);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	SET(CURLOPT_LOW_SPEED_LIMIT, (long)STALL_SPEED);
	SET(CURLOPT_LOW_SPEED_TIME, (long)(((stall ? stall : STALL_MS) + 999) / 1000));
	SET(CURLOPT_EXPECT_100_TIMEOUT_MS, 1L); /* no second of waiting before a large body */
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L); /* else cleaning up waits for a name server that does not answer */
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
	if (set_trust(exchange) || set_protocols(exchange) || set_limits(exchange) || set_signature(exchange) ||
	    set_request(exchange, write))
		return error_set(error, ERROR_INTERNAL, "libcurl %s lacks an option", curl_version_info(CURLVERSION_NOW)->version);
	return 0;
}
