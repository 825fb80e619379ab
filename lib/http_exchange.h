/* SPDX-License-Identifier: MIT */
/* What the files of http.h share: one exchange under way. */
#ifndef DEWY_HTTP_EXCHANGE_H
#define DEWY_HTTP_EXCHANGE_H

#include "http.h"
#include "http_log.h"

#include <curl/curl.h>

enum { FIRST_FINAL = 200 }; /* a status below comes before the answer */

struct http {
	struct http_settings settings;
	CURL *curl;
};

struct exchange {
	struct http *http;
	CURL *curl;
	const struct http_request *request;
	struct http_response *response;
	struct error *error;
	long long deadline; /* milliseconds on the monotonic clock */
	struct http_log log;

	/* of the body that the sink has received in all attempts */
	long long position; /* the byte that comes next */
	char *validator;    /* NULL when a break cannot be resumed */

	/* of the present attempt */
	struct curl_slist *headers;
	long long asked;  /* the byte it asked to begin at */
	long long begun;  /* the byte at which the sink has begun, -1 before it has */
	bool changed;     /* the server has something else now than what was begun */
	size_t exceeded;  /* the limit that the body does not keep, 0 while it does */
	bool sink_failed; /* error is filled in */
	char detail[CURL_ERROR_SIZE];
};

/* Sets libcurl up for the next attempt: the only place where its options are set. write is the function that receives the body.
 * Returns 0, or -1 with ERROR_CONFIG for a header or a key id with a control character in it. */
int http_setup(struct exchange *exchange, curl_write_callback write, struct error *error);

/* Fills in the error for an attempt that ended with that code. Returns -1. */
int http_explain(const struct exchange *exchange, CURLcode code, struct error *error);

#endif
