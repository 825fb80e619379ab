/* SPDX-License-Identifier: MIT */
/* What --log-level debug shows of HTTP: one line for each request that was sent, redirects and retries included, once its answer is
 * there or can no longer come. What might be a secret is not in it: user, password and the values of all parameters of a URL but
 * a few known ones, and all headers but a few known ones. */
#ifndef DEWY_HTTP_LOG_H
#define DEWY_HTTP_LOG_H

#include "buf.h"
#include "transfer.h"

#include <stdbool.h>

struct exchange;

/* The request under way, when it is to be logged; with {0} nothing is. */
struct http_log {
	int attempt;
	bool sent;            /* there is a request whose line is still to come */
	char method[16], version[8], tls[TRANSFER_TLS];
	char handshake[TRANSFER_TLS]; /* that of a connection over which nothing was sent yet */
	long status;
	long long started_at, answered_at; /* milliseconds on the monotonic clock */
	long long up, down;   /* bytes of the bodies, as they were on the wire */
	struct buf url, address, request, response; /* headers, one a line */
};

/* To be called before each attempt, after libcurl was set up, and after it, with what went wrong, or NULL. */
void http_log_begin(struct exchange *exchange);
void http_log_end(struct exchange *exchange, const char *reason);

/* Says that another attempt follows after milliseconds. */
void http_log_pause(const struct exchange *exchange, long long milliseconds);

void http_log_free(struct http_log *log);

#endif
