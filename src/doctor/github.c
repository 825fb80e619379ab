/* SPDX-License-Identifier: MIT */
/* Who asks GitHub, and what that one may: https://docs.github.com/rest/repos/repos#get-a-repository. */
#include "doctor/service.h"

#include "alloc.h"
#include "registry/ghr.h"
#include "secret.h"
#include "str.h"
#include "time.h"

#include <string.h>

enum { ANSWER_LIMIT = 1 << 20, REDIRECTS = 3, SOON_SECONDS = 14 * 86400 };

static char *base(const struct registry *registry)
{
	struct error error;

	(void)registry;
	return ghr_api_base(&error);
}

/* https://docs.github.com/authentication/keeping-your-account-and-data-secure/about-authentication-to-github
 * #githubs-token-formats */
static const struct kind {
	const char *prefix, *name;
	bool tells; /* the permissions in an answer are its own, and not only those of its user */
} kinds[] = {
	{"ghp_", "a classic personal access token", true},
	{"github_pat_", "a fine-grained personal access token", false},
	{"gho_", "an OAuth token", true},
	{"ghu_", "a user token of a GitHub App", false},
	{"ghs_", "an installation token", false},
	{"", "a token of no known kind", false},
};

static const struct kind *kind_of(const struct ghr_api *api)
{
	const char *token = api->credential.authorization + strlen("Authorization: Bearer ");
	const struct kind *kind = kinds;

	while (!str_starts(token, kind->prefix))
		kind++;
	return kind;
}

static void credential(struct doctor *doctor, struct verdict *verdict)
{
	struct error error;
	const struct ghr_api *api = ghr_open(&doctor->registry, &error);

	if (!api) {
		verdict_fail(verdict, &error);
		return;
	}
	const char *name = api->credential.source;
	if (!name) {
		verdict_ok(verdict, "none: public repositories alone, 60 requests an hour");
		return;
	}
	AUTO_FREE char *source = secret_source(name);
	verdict_ok(verdict, "%s, %s", source ? source : name, kind_of(api)->name);
}

/* The header is "2024-01-15 10:28:00 UTC", or ends in an offset. */
static void look_at_expiry(struct http *http, struct verdict *verdict)
{
	const char *text = http_header(http, "github-authentication-token-expiration", 0);
	struct error error;
	struct tm tm = {0};

	if (!text)
		return;
	const char *zone = strptime(text, "%Y-%m-%d %H:%M:%S ", &tm);
	if (zone && !str_equal(zone, "UTC"))
		zone = strptime(text, "%Y-%m-%d %H:%M:%S %z", &tm);
	long long offset = tm.tm_gmtoff; /* timegm sets it to 0 */
	if (!zone || timegm(&tm) - offset - time_now() / 1000 >= SOON_SECONDS) {
		verdict_ok(verdict, "it expires at %s", text);
		return;
	}
	error_set(&error, ERROR_REGISTRY, "the token expires at %s", text);
	error_hint(&error, "make a new token before that, and give it to dewy");
	verdict_warn(verdict, &error);
}

/* A token that may only read is normal: only audit records take more. */
static void tell_permissions(const struct ghr_api *api, const cJSON *repository, struct verdict *verdict)
{
	const char *scopes = http_header(session_http(api->session), "X-OAuth-Scopes", 0);
	bool may = json_true(repository, "permissions.push");

	verdict_ok(verdict, "may read the %s repository", json_true(repository, "private") ? "private" : "public");
	if (!api->credential.authorization)
		return;
	if (kind_of(api)->tells && scopes)
		verdict_ok(verdict, "may %s, scopes: %s", may ? "write audit records" : "not write audit records",
			   *scopes ? scopes : "none");
	else if (kind_of(api)->tells)
		verdict_ok(verdict, "may %s", may ? "write audit records" : "not write audit records");
	else
		verdict_ok(verdict, "writing was not tested: GitHub does not tell what such a token may");
}

static void permissions(struct doctor *doctor, struct verdict *verdict)
{
	struct error error;
	struct ghr_api *api = doctor->registry.own;
	const struct url *url = &doctor->registry.url;
	AUTO_FREE char *address = xasprintf("%s/repos/%s%s", api->base, url->authority, url->path);
	AUTO_FREE char *what = xasprintf("the repository %s%s", url->authority, url->path);
	AUTO_RESPONSE struct http_response response = {0};
	const char *const headers[] = {"Accept: application/vnd.github+json", NULL};
	const struct http_request request = {.url = address, .headers = headers, .limit = ANSWER_LIMIT, .redirects = REDIRECTS};

	int failed = ghr_api_ask(api, &request, &response, &error);
	if (!failed && response.status != 200)
		failed = ghr_api_refuse(api, what, &response, &error);
	AUTO_JSON cJSON *repository = failed ? NULL : json_parse(buf_text(&response.body), response.body.length, &error);
	if (!repository) {
		verdict_fail(verdict, &error);
		return;
	}
	tell_permissions(api, repository, verdict);
	look_at_expiry(session_http(api->session), verdict);
}

/* The JWT of an App is. */
static bool is_timed(const struct registry *registry)
{
	const struct ghr_api *api = registry->own;

	return !api || (api->credential.source && strstr(api->credential.source, "App"));
}

const struct service ghr_service = {&ghr_registry, base, credential, permissions, is_timed};
