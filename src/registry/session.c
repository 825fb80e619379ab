/* SPDX-License-Identifier: MIT */
#include "registry/session.h"

#include "alloc.h"
#include "digest.h"
#include "error.h"
#include "log.h"
#include "root/state.h"
#include "str.h"
#include "time.h"
#include "url.h"

#include <string.h>

enum {
	SECONDARY_SECONDS = 60, /* what GitHub asks for when it does not say how long */
	LONGEST_SECONDS = 86400,
};

static const char limits[] = "limits";

void session_close(struct session *session)
{
	http_close(session->http);
	cJSON_Delete(session->remembered);
	session->http = NULL;
	session->remembered = NULL;
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

static bool is_limit_of(const cJSON *limit, const char *host, const char *identity)
{
	return str_equal(json_string(limit, "host"), host) && str_equal(json_string(limit, "identity"), identity);
}

/* True while its time has not come. One that is further ahead than any was written while the clock was wrong. */
static bool is_running(const cJSON *limit)
{
	const char *text = json_string(limit, "until");
	long long now = time_now() / 1000;
	time_t until;

	return text && time_parse(text, &until) == 0 && now < until && until <= now + LONGEST_SECONDS;
}

/* Returns 0, or -1 with ERROR_POSTPONED while the host is to be left alone. */
static int check_limit(struct session *session, const char *host, const char *identity, struct error *error)
{
	const cJSON *limit;

	if (!session->remembered)
		session->remembered = state_read(session->root, STATE_REGISTRY);
	cJSON_ArrayForEach(limit, json_get(session->remembered, limits))
	{
		if (is_limit_of(limit, host, identity) && is_running(limit))
			return error_set(error, ERROR_POSTPONED, "%s has asked for no request before %s", host,
					 json_string(limit, "until"));
	}
	return 0;
}

/* Replaces what is remembered of the host, and drops what is over. */
static void remember_limit(struct session *session, const char *host, const char *identity, const char *until)
{
	AUTO_JSON cJSON *state = state_read(session->root, STATE_REGISTRY);
	cJSON *kept = xrequire(cJSON_CreateArray()), *added = xrequire(cJSON_CreateObject());
	const cJSON *limit;
	struct error error;

	cJSON_ArrayForEach(limit, json_get(state, limits))
	{
		if (!is_limit_of(limit, host, identity) && is_running(limit))
			cJSON_AddItemToArray(kept, xrequire(cJSON_Duplicate(limit, true)));
	}
	json_set_string(added, "host", host);
	json_set_string(added, "identity", identity);
	json_set_string(added, "until", until);
	cJSON_AddItemToArray(kept, added);
	json_set(state, limits, kept);
	if (state_write(session->root, STATE_REGISTRY, state, &error))
		log_debug("Cannot remember the limit of the registry", "error", error.message);
	cJSON_Delete(session->remembered);
	session->remembered = steal_pointer(&state);
}

/* Returns how many seconds the answer asks to be left alone for, 0 when it does not. Formats: Retry-After (RFC 9110, 10.2.3), and
 * GitHub's X-RateLimit headers and its secondary limits
 * (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api). */
static long long asked_to_wait(struct http *http, const struct http_response *response)
{
	const char *remaining = http_header(http, "X-RateLimit-Remaining", 0), *reset = http_header(http, "X-RateLimit-Reset", 0);
	bool limited = response->status == 403 || response->status == 429;
	long long at, seconds = http_retry_after(http);

	if (!limited && !(response->status == 503 && seconds))
		return 0;
	if (!seconds && str_equal(remaining, "0") && reset && str_to_number(reset, &at) == 0)
		seconds = at - time_now() / 1000 - http_clock_ahead(http) + 1; /* it is told by the clock of the service */
	if (seconds <= 0 && (response->status == 429 || strstr(buf_text(&response->body), "secondary rate limit")))
		seconds = SECONDARY_SECONDS;
	return seconds < LONGEST_SECONDS ? seconds : LONGEST_SECONDS;
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
	return error_set(error, ERROR_LIMITED, "%s answers %ld: its limit of requests is used up until %s", host, response->status, until);
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
	return note_limit(session, ret, identity, error);
}
