/* SPDX-License-Identifier: MIT */
#include "credentials/github_app.h"

#include "alloc.h"
#include "buf.h"
#include "credentials/tokens.h"
#include "error.h"
#include "json.h"
#include "jwt.h"
#include "log.h"
#include "secret.h"
#include "str.h"
#include "time.h"
#include "url.h"

#include <stdbool.h>
#include <stdlib.h>

enum {
	EARLIER = 60,        /* seconds before now that a JWT is issued at: the clock of GitHub may be behind */
	LIFETIME = 9 * 60,   /* seconds from then on that it is good for: GitHub accepts no more than 10 minutes */
	TOLERATED_SKEW = 30, /* seconds by which clocks may differ before they explain why a JWT is refused */
	ANSWER_LIMIT = 262144,
};

struct app {
	char *id, *installation, *key;
	char *host; /* of the API */
	char *name; /* of its token in tokens.json */
};

#define AUTO_APP AUTO(free_app)

static void free_app(struct app *app)
{
	free(app->id);
	free(app->installation);
	free(app->key);
	free(app->host);
	free(app->name);
}

static int refuse_incomplete(const struct app *app, struct error *error)
{
	const char *missing[3] = {NULL};
	size_t count = 0;

	if (!app->id)
		missing[count++] = "GITHUB_APP_ID";
	if (!app->installation)
		missing[count++] = "GITHUB_APP_INSTALLATION_ID";
	if (!app->key)
		missing[count++] = "GITHUB_APP_PRIVATE_KEY";
	error_set(error, ERROR_CONFIG, "the settings of the GitHub App lack %s%s%s", missing[0], count > 1 ? " and " : "",
		  count > 1 ? missing[1] : "");
	return error_hint(error, "set GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID, and GITHUB_APP_PRIVATE_KEY or "
				 "GITHUB_APP_PRIVATE_KEY_PATH; or none of them");
}

/* Environment files have no values of several lines: "\\n" stands for a line break there. */
static void break_lines(char *key)
{
	char *to = key;

	for (const char *from = key; *from; to++) {
		bool is_break = from[0] == '\\' && from[1] == 'n';
		*to = is_break ? '\n' : *from;
		from += is_break ? 2 : 1;
	}
	*to = '\0';
}

static int read_key(char **ret_key, struct error *error)
{
	if (secret_read_text("GITHUB_APP_PRIVATE_KEY", ret_key, error) ||
	    (!*ret_key && secret_read_file("GITHUB_APP_PRIVATE_KEY_PATH", ret_key, error)))
		return -1;
	if (*ret_key)
		break_lines(*ret_key);
	return 0;
}

/* Returns 0; 1 when no App is configured; or -1. */
static int read_app(struct app *app, const char *base, struct error *error)
{
	long long number;

	if (secret_read("GITHUB_APP_ID", &app->id, error) || secret_read("GITHUB_APP_INSTALLATION_ID", &app->installation, error) ||
	    read_key(&app->key, error))
		return -1;
	if (!app->id && !app->installation && !app->key)
		return 1;
	if (!app->id || !app->installation || !app->key)
		return refuse_incomplete(app, error);
	if (str_to_number(app->installation, &number)) {
		error_set(error, ERROR_CONFIG, "GITHUB_APP_INSTALLATION_ID is %s: expected a number", app->installation);
		return error_hint(error, "take the number at the end of the URL of the installation's settings");
	}
	app->host = url_host(base);
	app->name = xasprintf("github app %s installation %s at %s", app->id, app->installation, app->host);
	return 0;
}

/* Returns the header with a JWT for the App, which the caller frees, or NULL. now is the time by the clock of GitHub. */
static char *authorize(const struct app *app, time_t now, struct error *error)
{
	AUTO_JSON cJSON *claims = xrequire(cJSON_CreateObject());

	json_set_string(claims, "iss", app->id);
	json_set_number(claims, "iat", now - EARLIER);
	json_set_number(claims, "exp", now - EARLIER + LIFETIME);
	AUTO_FREE char *jwt = jwt_sign(claims, NULL, app->key, error);
	if (jwt)
		return xasprintf("Authorization: Bearer %s", jwt);
	error_in(error, "GITHUB_APP_PRIVATE_KEY");
	return NULL;
}

/* https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app; ahead is how many seconds the clock of
 * GitHub is ahead of ours. */
static int exchange(struct session *session, const char *base, const struct app *app, long long ahead, struct http_response *ret,
		    struct error *error)
{
	AUTO_FREE char *authorization = authorize(app, (time_t)(time_now() / 1000 + ahead), error);
	AUTO_FREE char *url = xasprintf("%s/app/installations/%s/access_tokens", base, app->installation);
	char identity[17];

	if (!authorization)
		return -1;
	const char *const headers[] = {"Accept: application/vnd.github+json", "X-GitHub-Api-Version: 2022-11-28",
				       "Content-Type: application/json", authorization, NULL};
	struct http_request request = {
		.method = "POST",
		.url = url,
		.headers = headers,
		.body = "{}",
		.body_length = 2,
		.limit = ANSWER_LIMIT,
	};
	return session_ask(session, &request, session_identity(app->name, identity), ret, error);
}

static int refuse_clock(const struct app *app, long long ahead, const char *message, struct error *error)
{
	error_set(error, ERROR_REGISTRY, "%s refuses the GitHub App %s%s%s; the clock of this machine is %lld s %s", app->host,
		  app->id, *message ? ": " : "", message, llabs(ahead), ahead > 0 ? "behind" : "ahead");
	return error_hint(error, "set the clock of this machine, and keep it right: timedatectl set-ntp true, or chrony");
}

static int refuse(const struct app *app, const struct http_response *response, long long ahead, struct error *error)
{
	AUTO_FREE char *message = github_message(response);

	if (response->status == 401 && llabs(ahead) > TOLERATED_SKEW)
		return refuse_clock(app, ahead, message, error);
	error_set(error, ERROR_REGISTRY, "%s gives no token to the GitHub App %s for its installation %s: %ld%s%s", app->host,
		  app->id, app->installation, response->status, *message ? " " : "", message);
	switch (response->status) {
	case 401:
		return error_hint(error, "check that GITHUB_APP_ID is the App's, and that GITHUB_APP_PRIVATE_KEY is a key of it "
					 "that was not deleted");
	case 403:
		return error_hint(error, "the installation may be suspended: its owner can end that");
	case 404:
		return error_hint(error, "check GITHUB_APP_ID and GITHUB_APP_INSTALLATION_ID: there is no such App, or no such "
					 "installation of it");
	default:
		return error_hint(error, "check GITHUB_API_URL; the next run tries again");
	}
}

static void warn_of_clock(const struct app *app, long long ahead)
{
	AUTO_FREE char *warning =
		xasprintf("The clock of this machine is %lld s %s", llabs(ahead), ahead > 0 ? "behind" : "ahead");

	log_warn(warning, "host", app->host, "hint", "set it, and keep it right: timedatectl set-ntp true, or chrony");
}

/* Exchanges a JWT for a token. Returns the token, which the caller frees, with the time it expires at by our clock; or NULL. */
static char *obtain(struct session *session, const char *base, const struct app *app, time_t *ret_expires_at, struct error *error)
{
	AUTO_RESPONSE struct http_response response = {0};

	if (exchange(session, base, app, 0, &response, error))
		return NULL;
	long long ahead = http_clock_ahead(session_http(session));
	if (response.status == 401 && llabs(ahead) > TOLERATED_SKEW) {
		warn_of_clock(app, ahead);
		http_response_free(&response);
		if (exchange(session, base, app, ahead, &response, error))
			return NULL;
	}
	if (response.status != 201) {
		refuse(app, &response, ahead, error);
		return NULL;
	}
	AUTO_JSON cJSON *answer = json_parse(buf_text(&response.body), response.body.length, error);
	const char *token = json_string(answer, "token"), *expires_at = json_string(answer, "expires_at");
	if (!token || !expires_at || time_parse(expires_at, ret_expires_at)) {
		error_set(error, ERROR_REGISTRY, "the answer of %s holds no token for the GitHub App %s", app->host, app->id);
		return NULL;
	}
	*ret_expires_at -= (time_t)ahead;
	return xstrdup(token);
}

static void use(const struct app *app, const char *token, struct github_credential *credential)
{
	credential->authorization = xasprintf("Authorization: Bearer %s", token);
	credential->source = xasprintf("the GitHub App %s", app->id);
	session_identity(app->name, credential->identity);
}

int github_app_find(struct session *session, const char *base, struct github_credential *ret, struct error *error)
{
	AUTO_APP struct app app = {0};
	time_t expires_at;
	int result = read_app(&app, base, error);

	if (result)
		return result < 0 ? -1 : 0;
	AUTO_FREE char *kept = tokens_find(session->root, app.name, app.key);
	if (kept) {
		use(&app, kept, ret);
		ret->kept_as = xstrdup(app.name);
		return 0;
	}
	AUTO_FREE char *token = obtain(session, base, &app, &expires_at, error);
	if (!token)
		return -1;
	tokens_keep(session->root, app.name, app.key, token, expires_at);
	use(&app, token, ret);
	return 0;
}
