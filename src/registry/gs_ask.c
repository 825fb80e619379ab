/* SPDX-License-Identifier: MIT */
/* Where the service is, and with which credential it is asked. */
#include "registry/gs.h"

#include "alloc.h"
#include "buf.h"
#include "credentials/tokens.h"
#include "error.h"
#include "proc.h"

#include <string.h>

/* What is kept between two calls. */
struct own {
	struct google_credential credential;
	const char *scope; /* that it is for */
};

/* Returns STORAGE_EMULATOR_HOST when it counts, else NULL: an endpoint in the URL goes before it. */
static const char *emulator(const struct registry *registry)
{
	return url_parameter(&registry->url, "endpoint") ? NULL : proc_variable("STORAGE_EMULATOR_HOST");
}

void gs_add_base(struct buf *url, const struct registry *registry)
{
	const char *endpoint = url_parameter(&registry->url, "endpoint"), *host = emulator(registry);

	if (host && !strstr(host, "://"))
		buf_puts(url, "http://");
	buf_puts(url, endpoint ? endpoint : host ? host : "https://storage.googleapis.com");
	while (url->length && url->data[url->length - 1] == '/')
		url->data[--url->length] = '\0';
}

void gs_add_objects(struct buf *url, const struct registry *registry, const char *path)
{
	gs_add_base(url, registry);
	buf_printf(url, "%s/storage/v1/b/%s/o", path, registry->url.authority);
}

static bool is_anonymous(const struct registry *registry)
{
	struct error error;
	bool anonymous;

	return emulator(registry) || (url_boolean(&registry->url, "anonymous", &anonymous, &error) == 0 && anonymous);
}

const struct google_credential *gs_authorize(struct registry *registry, const char *scope, struct error *error)
{
	struct own *own = registry->own;

	if (!own)
		own = registry->own = xcalloc(1, sizeof *own);
	if (own->scope != scope && !is_anonymous(registry)) {
		google_credential_free(&own->credential);
		own->scope = NULL;
		if (google_credential_find(&registry->session, scope, &own->credential, error))
			return NULL;
	}
	own->scope = scope;
	return &own->credential;
}

/* Makes the request with the credential for that scope, and one more header unless it is NULL. */
static int ask_once(struct registry *registry, const char *scope, struct http_request request, const char *header,
		    struct http_response *ret, struct error *error)
{
	const struct google_credential *credential = gs_authorize(registry, scope, error);
	const char *headers[4] = {0};
	size_t count = 0;

	*ret = (struct http_response){0};
	if (!credential)
		return -1;
	if (header)
		headers[count++] = header;
	if (credential->authorization)
		headers[count++] = credential->authorization;
	if (credential->user_project)
		headers[count++] = credential->user_project;
	request.headers = headers;
	return session_ask(&registry->session, &request, credential->identity, ret, error);
}

int gs_ask(struct registry *registry, const char *scope, const struct http_request *request, const char *header,
	   struct http_response *ret, struct error *error)
{
	int result = ask_once(registry, scope, *request, header, ret, error);
	struct own *own = registry->own;

	if (result || ret->status != 401 || !own->credential.kept_as)
		return result;
	tokens_forget(registry->session.root, own->credential.kept_as);
	own->scope = NULL;
	http_response_free(ret);
	return ask_once(registry, scope, *request, header, ret, error);
}

const char *gs_account(const struct registry *registry)
{
	const struct own *own = registry->own;

	return own ? own->credential.account : NULL;
}

void gs_close(struct registry *registry)
{
	struct own *own = registry->own;

	if (own)
		google_credential_free(&own->credential);
	free(own);
	session_close(&registry->session);
}
