/* SPDX-License-Identifier: MIT */
/* HTTP by libcurl, configured in one place: verified TLS 1.2 or newer, redirects bounded and never to a lesser scheme,
 * connection, low-speed and total time limits, the proxy variables that curl knows. Certificates are verified against the
 * file that CURL_CA_BUNDLE or SSL_CERT_FILE names, else against the authorities of the system. */
#ifndef DEWY_HTTP_H
#define DEWY_HTTP_H

#include "buf.h"

#include <stdbool.h>

struct error;

struct http_request {
	const char *method;         /* NULL for GET */
	const char *url;            /* http:// or https:// */
	const char *const *headers; /* "Name: value", ended by NULL; NULL for none */
	const void *body;
	size_t body_length;
	size_t limit;               /* bytes of the answer's body at the most */
	long long timeout_ms;       /* for the whole exchange */
	int redirects;              /* how many are followed, 0 for none */
	int retries;                /* how often 408, 429, 5xx and broken connections are tried again, within timeout_ms: with
				     * growing pauses, or after the Retry-After of the answer */
};

struct http_response {
	long status;
	struct buf body;
};

#define AUTO_HTTP AUTO(http_response_free)

/* Makes the exchange, as the user agent dewy/VERSION. Returns 0 with any status that is no longer retried; or -1 with
 * ERROR_NETWORK, whose message holds the host but never the rest of the URL, or ERROR_CONFIG for a header that has a line
 * break in it. The caller gives ret to http_response_free in both cases. */
int http_exchange(const struct http_request *request, struct http_response *ret, struct error *error);

void http_response_free(struct http_response *response);

#endif
