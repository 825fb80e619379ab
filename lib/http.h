/* SPDX-License-Identifier: MIT */
/* HTTP by libcurl, configured in one place: verified TLS 1.2 or newer, redirects bounded and never to a lesser scheme,
 * connection, low-speed and total time limits, retries, the proxy variables that curl knows. Certificates are verified against
 * the file of the settings, else the one that CURL_CA_BUNDLE or SSL_CERT_FILE names, else the authorities of the system. */
#ifndef DEWY_HTTP_H
#define DEWY_HTTP_H

#include "buf.h"

#include <stdbool.h>

struct error;

struct http_settings {
	const char *authorities; /* PEM file of the certificate authorities to trust, NULL for those above */
	long long stall_ms;      /* slower than 1 KiB/s for that long, and a connection is given up; 0 for 30 s */
	int retries;             /* how often 408, 429, 5xx and broken connections are tried again, within the time of the request:
				  * with growing pauses, or after the Retry-After of the answer */
	bool only_passing;       /* of answers, only 429, 502, 503 and 504 are tried again */
};

/* Makes one exchange after the other, and keeps the connections open between them. */
struct http;

/* Returns a client, which the caller gives to http_close. What settings point to must live as long. */
struct http *http_open(const struct http_settings *settings);

void http_close(struct http *http);

static inline void cleanup_http(struct http **http)
{
	http_close(*http);
}

#define AUTO_HTTP AUTO(cleanup_http)

/* Receives the body of an answer with the status 200 or 206, piece by piece. */
struct http_sink {
	/* Says that the pieces that follow begin at that byte: at first, and again after a break; 0 makes void what came before.
	 * http_header tells about the answer. Returns 0, or -1 with the error to stop. */
	int (*begin)(void *context, long long offset, struct error *error);

	/* Returns 0 to go on, or -1 with the error to stop. */
	int (*write)(void *context, const void *bytes, size_t length, struct error *error);

	void *context;
};

/* How a request is signed: AWS Signature Version 4, by libcurl. It signs path and query as they are written: the caller
 * percent-encodes them (RFC 3986, upper-case digits), sorts the query, gives each parameter a "=", and adds the header
 * x-amz-content-sha256. */
struct http_signature {
	const char *scope; /* "aws:amz:REGION:SERVICE" */
	const char *key_id, *secret;
};

struct http_request {
	const char *method;         /* NULL for GET */
	const char *url;            /* http:// or https:// */
	const char *socket;         /* path of a UNIX socket to connect to instead of the host of the URL; NULL for none */
	const char *const *headers; /* "Name: value", ended by NULL; NULL for none */
	const void *body;
	size_t body_length;
	const struct http_signature *signature; /* NULL for none */
	const struct http_sink *sink;           /* NULL: the body goes into the response, as that of any other status always does */
	long long offset;      /* with sink: ask for the bytes from here on, */
	const char *validator; /* but for all when the ETag or Last-Modified is no longer this one; NULL with offset 0 */
	size_t limit;          /* bytes of the body at the most; with sink 0 for no limit */
	bool large;            /* the body is, so that a large buffer pays */
	long long timeout_ms;  /* for the whole exchange, retries included */
	long long body_ms;     /* how long a body may take that does not matter: what is later, larger than the limit or broken off
				* is left, and the answer counts; 0 when the body matters */
	int redirects;         /* how many are followed, 0 for none; credentials in headers never follow to another host */
	void (*renew)(void *context); /* called before each attempt, for it to rewrite what headers point to; or NULL */
	void *context;                /* of renew */
	bool once;             /* no retries, whatever the settings say */
	bool private_path;     /* path and query of the URL are a secret: no log shows them */
	bool direct;           /* past every proxy: for addresses that only this machine can mean */
};

struct http_response {
	long status;
	struct buf body;
};

#define AUTO_RESPONSE AUTO(http_response_free)

/* Makes the exchange, as the user agent dewy/VERSION. Values of headers with the name of a secret are kept out of logs and
 * errors from then on (redact.h). A body for a sink that breaks off is resumed by a Range and If-Range request (RFC 9110, 14.2
 * and 13.1.5) where the server has told a validator, else begun anew. Returns 0 with any status that is no longer retried; or -1
 * with the sink's error, with ERROR_NETWORK, whose message holds the host but never the rest of the URL, or with ERROR_CONFIG
 * for a header or a key id that has a control character in it, and for certificate authorities that cannot be read. The caller
 * gives ret to http_response_free in both cases. */
int http_exchange(struct http *http, const struct http_request *request, struct http_response *ret, struct error *error);

void http_response_free(struct http_response *response);

/* Returns the value of a header of the last answer, the one of that index of several; NULL when there is none. It belongs to
 * http until the next exchange. */
const char *http_header(struct http *http, const char *name, size_t index);

/* Returns the ETag of the last answer, NULL when there is none, or it cannot be sent back: it is too long, or has a control
 * character in it. It belongs to http until the next exchange. */
const char *http_etag(struct http *http);

/* Returns what tells later whether a body is still the same: the strong ETag of the last answer, else its Last-Modified, else
 * NULL. It belongs to http until the next exchange. */
const char *http_validator(struct http *http);

/* Returns the seconds that the last answer asks to wait (Retry-After, RFC 9110, 10.2.3), 0 when it does not. */
long long http_retry_after(struct http *http);

/* Returns the milliseconds to wait after the last answer before the retry of that number, which begins at 0: what it asks for,
 * else a pause as of transfer.h. */
long long http_pause(struct http *http, int retry);

/* Returns the host that the last exchange came to, which after a redirect is another one than was asked; the caller frees it. */
char *http_last_host(struct http *http);

/* Returns what certificates are verified against: a file and who names it, or a directory; the caller frees it. */
char *http_describe_trust(const struct http *http);

/* Returns the seconds by which the clock of the server, as the Date of the last answer tells it, is ahead of this machine's; 0
 * when there is no Date. */
long long http_clock_ahead(struct http *http);

#endif
