/* SPDX-License-Identifier: MIT */
/* The metadata server of Compute Engine, Kubernetes Engine and Cloud Run
 * (https://cloud.google.com/compute/docs/access/authenticate-workloads). */
#include "credentials/google_token.h"

#include "alloc.h"
#include "error.h"
#include "proc.h"
#include "str.h"
#include "url.h"

enum {
	PING_MS = 1000,       /* it is near or nowhere */
	ANSWER_LIMIT = 65536, /* bytes */
};

/* Keeps a request that some web page made from reaching the token, and tells the server from others at its address. */
static const char *const headers[] = {"Metadata-Flavor: Google", NULL};

static bool is_metadata_server(struct session *session)
{
	return str_equal(http_header(session_http(session), "Metadata-Flavor", 0), "Google");
}

/* Returns 0 when the server is there, 1 with the error saying why when it is not. */
static int ping(struct session *session, const char *host, const char *identity, struct error *error)
{
	AUTO_FREE char *url = xasprintf("http://%s/", host);
	AUTO_RESPONSE struct http_response response = {0};
	struct http_request request = {
		.url = url,
		.headers = headers,
		.limit = ANSWER_LIMIT,
		.timeout_ms = PING_MS,
		.once = true,
		.direct = true,
	};

	if (session_ask(session, &request, identity, &response, error))
		return 1;
	if (is_metadata_server(session))
		return 0;
	error_set(error, ERROR_REGISTRY, "%s does not answer as one", host);
	return 1;
}

static int refuse(const struct http_response *response, const char *host, struct error *error)
{
	error_set(error, ERROR_REGISTRY, "the metadata server %s gives no token: it answers %ld", host, response->status);
	if (response->status == 404)
		return error_hint(error, "give this machine a service account, or set GOOGLE_APPLICATION_CREDENTIALS");
	return error_hint(error, "look into the machine's service account and its access scopes");
}

static int ask(struct session *session, const char *host, const char *identity, const char *scope, struct google_token *ret,
	       struct error *error)
{
	AUTO_BUF struct buf url = {0};
	AUTO_RESPONSE struct http_response response = {0};

	buf_printf(&url, "http://%s/computeMetadata/v1/instance/service-accounts/default/token?scopes=", host);
	url_add_encoded(&url, scope, "");
	struct http_request request = {.url = url.data, .headers = headers, .limit = ANSWER_LIMIT, .direct = true};
	if (session_ask(session, &request, identity, &response, error))
		return -1;
	if (response.status != 200)
		return refuse(&response, host, error);
	if (!is_metadata_server(session))
		return error_set(error, ERROR_REGISTRY, "%s does not answer as a metadata server", host);
	return google_token_read(&response, host, ret, error);
}

int google_metadata_token(struct session *session, const char *identity, const char *scope, struct google_token *ret,
			  struct error *error)
{
	const char *host = proc_variable("GCE_METADATA_HOST");

	if (!host)
		host = "metadata.google.internal";
	if (ping(session, host, identity, error))
		return 1;
	return ask(session, host, identity, scope, ret, error);
}
