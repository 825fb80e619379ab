/* SPDX-License-Identifier: MIT */
/* What GitHub refuses, as sentences with what to do
 * (https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api). */
#include "registry/ghr_api.h"

#include "alloc.h"
#include "error.h"
#include "str.h"

#include <string.h>

static int refuse_credential(const struct ghr_api *api, const char *what, const char *message, struct error *error)
{
	const char *source = api->credential.source;

	error_set(error, ERROR_REGISTRY, "%s: %s: %s is not accepted: 401 %s", api->host, what,
		  source ? source : "a request without a token", message);
	if (!source)
		return error_hint(error, "give a token in GH_TOKEN; dewy-registry(7) lists the permissions");
	return error_hint(error, "%s is expired, revoked or of another GitHub: give one that is good, or none for a public "
				 "repository",
			  source);
}

/* An organization may want tokens to be authorized for its single sign-on. */
static int hint_sign_on(const char *source, struct error *error)
{
	return error_hint(error, "authorize %s for the single sign-on of the organization: in the settings of the token, "
				 "Configure SSO",
			  source);
}

static int refuse_permission(const struct ghr_api *api, const char *what, const char *message, struct error *error)
{
	const char *source = api->credential.source ? api->credential.source : "a request without a token";

	error_set(error, ERROR_REGISTRY, "%s: %s: not allowed to %s: 403 %s", api->host, what, source, message);
	if (http_header(session_http(api->session), "X-GitHub-SSO", 0))
		return hint_sign_on(source, error);
	if (!api->credential.source)
		return error_hint(error, "give a token in GH_TOKEN; dewy-registry(7) lists the permissions");
	return error_hint(error, "the token needs the permission Contents: read of the repository, and Contents: read and write "
				 "for audit records; a classic one the scope repo");
}

static int refuse_unknown(const struct ghr_api *api, const char *what, struct error *error)
{
	const char *source = api->credential.source;

	error_set(error, ERROR_NOT_FOUND, "%s: %s: not there, or not to be seen %s%s: 404", api->host, what,
		  source ? "by " : "without a token", source ? source : "");
	if (!source)
		return error_hint(error, "check the names; for a private repository give a token in GH_TOKEN, and for GitHub "
					 "Enterprise Server GITHUB_API_URL=https://HOST/api/v3");
	return error_hint(error, "check the names, and that the token may read the repository: Contents: read; dewy-registry(7)");
}

int ghr_api_refuse(const struct ghr_api *api, const char *what, const struct http_response *response, struct error *error)
{
	AUTO_FREE char *message = github_message(response);

	switch (response->status) {
	case 401:
		return refuse_credential(api, what, message, error);
	case 403:
		return refuse_permission(api, what, message, error);
	case 404:
		return refuse_unknown(api, what, error);
	default:
		error_set(error, ERROR_REGISTRY, "%s: %s: %ld%s%s", api->host, what, response->status, *message ? " " : "",
			  message);
		if (response->status < 500)
			return error_hint(error, "check GITHUB_API_URL and the URL of the registry");
		return error_hint(error, "the next run tries again; https://www.githubstatus.com tells about disturbances");
	}
}
