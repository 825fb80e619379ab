/* SPDX-License-Identifier: MIT */
#include "restart/health.h"

#include "error.h"
#include "http.h"

#include <stddef.h>

/* Of an answer, the status counts. Some of the body, which may be large or without end, is read all the same: there are servers
 * that take it ill when nobody does. */
enum { BODY_LIMIT = 1 << 16, BODY_MS = 100 };

/* A connection that stays open leads to whoever accepted it, which may be an older server: each question has its own. */
static const char *const headers[] = {"Connection: close", NULL};

int health_ask(const struct target *target, const char *authorities, long long timeout_ms, struct error *error)
{
	const struct http_settings settings = {.authorities = authorities};
	AUTO_HTTP struct http *http = http_open(&settings);
	struct http_request request = {
		.url = target->url,
		.socket = target->socket,
		.direct = target->direct,
		.headers = headers,
		.limit = BODY_LIMIT,
		.timeout_ms = timeout_ms,
		.body_ms = BODY_MS,
	};
	AUTO_RESPONSE struct http_response response = {0};

	if (http_exchange(http, &request, &response, error)) {
		error->code = error->code == ERROR_NETWORK ? ERROR_APPLICATION : error->code;
		return 0;
	}
	if (response.status >= 200 && response.status < 400)
		return 1;
	error_set(error, ERROR_APPLICATION, "the health check was answered with %ld", response.status);
	return 0;
}
