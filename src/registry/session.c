/* SPDX-License-Identifier: MIT */
#include "registry/session.h"

#include "alloc.h"
#include "digest.h"
#include "error.h"
#include "log.h"
#include "root/limits.h"
#include "root/state.h"
#include "str.h"
#include "time.h"
#include "url.h"

#include <string.h>

enum { SECONDARY_SECONDS = 60 }; /* what GitHub asks for when it does not say how long */

void session_close(struct session *session)
{
	http_close(session->http);
	cJSON_Delete(session->remembered);
	cJSON_Delete(session->profiles);
	session->http = NULL;
	session->remembered = session->profiles = NULL;
}

struct http *session_http(struct session *session)
{
	if (!session->http)
		session->http = http_open(&session->settings);
	return session->http;
}

const char *session_identity(const char *secret, char text[17])
{
	struct digest *digest = digest_begin("sha256");
	char full[DIGEST_TEXT];

	digest_add(digest, secret, strlen(secret));
	digest_end(digest, full);
	memcpy(text, strchr(full, ':') + 1, 16);
	text[16] = '\0';
	return text;
}

/* Returns 0, or -1 with ERROR_POSTPONED while the host is to be left alone. */
static int check_limit(struct session *session, const char *host, const char *identity, struct error *error)
{
	const cJSON *state = state_read_once(session->root, STATE_REGISTRY, &session->remembered);
	const char *until = limits_until(state, host, identity);

	if (until)
		return error_set(error, ERROR_POSTPONED, "%s has asked for no request before %s", host, until);
	return 0;
}

static void remember_limit(struct session *session, const char *host, const char *identity, const char *until)
{
	AUTO_JSON cJSON *state = state_read(session->root, STATE_REGISTRY);
	struct error error;

	limits_add(state, host, identity, until);
	if (state_write_passing(session->root, STATE_REGISTRY, state, &error))
		log_debug("Cannot remember the limit of the registry", "error", error.message);
	cJSON_Delete(session->remembered);
	session->remembered = steal_pointer(&state);
}

/* Returns the number in a header of the last answer, at most the last second that has a name in RFC 3339; -1 when there is none. */
static long long number_in(struct http *http, const char *name)
{
	const long long most = 253402300799; /* 9999-12-31T23:59:59Z */
	const char *text = http_header(http, name, 0);
	long long number;

	if (!text || str_to_number(text, &number))
		return -1;
	return number < most ? number : most;
}

static void note_quota(struct session *session)
{
	struct http *http = session->http;
	long long limit = number_in(http, "X-RateLimit-Limit"), left = number_in(http, "X-RateLimit-Remaining");
	long long reset = number_in(http, "X-RateLimit-Reset");

	if (limit > 0 && left >= 0 && reset > 0)
		session->quota = (struct session_quota){limit, left, (time_t)(reset - http_clock_ahead(http))};
}

/* Returns how many seconds the answer asks to be left alone for, 0 when it does not. Formats: Retry-After (RFC 9110, 10.2.3), and
 * GitHub's X-RateLimit headers and its secondary limits
 * (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api). */
static long long asked_to_wait(struct http *http, const struct http_response *response)
{
	long long reset = number_in(http, "X-RateLimit-Reset"), seconds = http_retry_after(http);
	bool limited = response->status == 403 || response->status == 429;

	if (!limited && !(response->status == 503 && seconds))
		return 0;
	if (!seconds && number_in(http, "X-RateLimit-Remaining") == 0 && reset >= 0)
		seconds = reset - time_now() / 1000 - http_clock_ahead(http) + 1; /* it is told by the clock of the service */
	if (seconds <= 0 && (response->status == 429 || strstr(buf_text(&response->body), "secondary rate limit")))
		seconds = SECONDARY_SECONDS;
	return seconds < LIMITS_LONGEST ? seconds : LIMITS_LONGEST;
}

/* Returns 0, or -1 with ERROR_LIMITED when the answer asks to be left alone. It speaks for the host that gives it: the one behind a
 * redirect is not the one that was asked. */
static int note_limit(struct session *session, const struct http_response *response, const char *identity, struct error *error)
{
	AUTO_FREE char *host = http_last_host(session->http);
	long long seconds = asked_to_wait(session->http, response);
	char until[TIME_TEXT];

	if (seconds <= 0)
		return 0;
	time_format((time_t)(time_now() / 1000 + seconds), until);
	if (session->root->state >= 0)
		remember_limit(session, host, identity, until);
	return error_set(error, ERROR_LIMITED, "%s answers %ld: its limit of requests is used up until %s", host, response->status,
			 until);
}

int session_ask(struct session *session, const struct http_request *request, const char *identity, struct http_response *ret,
		struct error *error)
{
	AUTO_FREE char *host = url_host(request->url);
	struct http_request timed = *request;

	*ret = (struct http_response){0};
	if (!timed.timeout_ms)
		timed.timeout_ms = session->timeout_ms;
	if (check_limit(session, host, identity, error) || http_exchange(session_http(session), &timed, ret, error))
		return -1;
	note_quota(session);
	return note_limit(session, ret, identity, error);
}
