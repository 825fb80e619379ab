/* SPDX-License-Identifier: MIT */
/* How a registry and the credentials for it talk to the network: one HTTP client for both, set up by the options of the tool, and a
 * memory of who asked to be left alone until when. */
#ifndef DEWY_SESSION_H
#define DEWY_SESSION_H

#include "http.h"
#include "json.h"

#include <time.h>

struct root;
struct error;

/* What the answers of a host say of how often it may be asked: GitHub's X-RateLimit headers. */
struct session_quota {
	long long limit, left; /* requests; limit 0 when it has not said */
	time_t reset_at;       /* when as many as limit are left again, by the clock of this machine */
};

struct session {
	struct http_settings settings; /* of the client */
	struct http *http;             /* NULL before the first use */
	const struct root *root;       /* where ROOT/.dewy is, if it is there */
	cJSON *remembered;             /* what registry.json holds, NULL before it is first needed */
	cJSON *profiles;               /* the files of profiles that AWS's credentials are looked for in, NULL before that */
	struct session_quota quota;    /* by the last answer that told it */
	long long timeout_ms;          /* for an exchange that is no download, */
	long long download_ms;         /* and for one that is; 0 in a tool that downloads nothing */
};

/* Closes the client, if there is one, and forgets what was remembered and read. */
void session_close(struct session *session);

/* Returns the client, made at the first call, which belongs to the session. */
struct http *session_http(struct session *session);

/* Makes the exchange with the session's retries and, unless the request has one, its time-out. identity tells one credential from
 * another without revealing it, "" for none. A host that has asked to be left alone (403, 429 or 503 with Retry-After; 403 or 429
 * with X-RateLimit-Remaining: 0 and X-RateLimit-Reset, or for a secondary limit; 429 at all) is remembered in
 * ROOT/.dewy/registry.json together with identity. Returns 0 with any other answer; or -1 with ERROR_LIMITED for such an answer,
 * with ERROR_POSTPONED, without asking, until that time has come, or with the error of http_exchange. The caller gives ret to
 * http_response_free in all cases. */
int session_ask(struct session *session, const struct http_request *request, const char *identity, struct http_response *ret,
		struct error *error);

/* Writes a short digest of a secret, by which it is told from others without being revealed. Returns text. */
const char *session_identity(const char *secret, char text[17]);

#endif
