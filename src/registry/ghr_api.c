/* SPDX-License-Identifier: MIT */
#include "registry/ghr_api.h"

#include "alloc.h"
#include "credentials/tokens.h"
#include "error.h"
#include "json_stream.h"
#include "proc.h"
#include "str.h"
#include "url.h"

#include <string.h>
#include <strings.h>

enum {
	PAGE_SIZE = 100, /* what GitHub gives at the most */
	MOST_PAGES = 1000,
	PAGE_LIMIT = 256 << 20,  /* bytes: 100 releases, each with 1,000 artifacts of 2 KB of description */
	ELEMENT_LIMIT = 4 << 20, /* bytes of a description: its longest text is 125,000 characters */
	TEXT_LIMIT = 8192,       /* bytes of a text of it that is kept */
	REDIRECTS = 3,           /* of a repository that has another name now */
	MOST_HEADERS = 8,
};

static const char default_base[] = "https://api.github.com";

/* Returns the length of SCHEME://HOST[:PORT] at the start of a URL. */
static size_t origin_length(const char *url)
{
	const char *authority = strstr(url, "://");

	return authority ? (size_t)(authority - url) + 3 + strcspn(authority + 3, "/?#") : 0;
}

char *ghr_api_base(struct error *error)
{
	static const char *const variables[] = {"GITHUB_API_URL", "GITHUB_ENDPOINT"};

	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
		const char *value = proc_variable(variables[i]);
		if (!value)
			continue;
		AUTO_FREE char *base = xstrndup(value, strlen(value)), *host = url_host(value);
		for (size_t length = strlen(base); length && base[length - 1] == '/'; length--)
			base[length - 1] = '\0';
		if ((str_starts(base, "https://") || str_starts(base, "http://")) && *host && !strpbrk(base, "@?#"))
			return steal_pointer(&base);
		error_set(error, ERROR_CONFIG, "%s is no http:// or https:// URL without user and query", variables[i]);
		error_hint(error, "for GitHub Enterprise Server give https://HOST/api/v3; for github.com none is needed");
		return NULL;
	}
	return xstrdup(default_base);
}

struct ghr_api *ghr_api_open(struct session *session, struct error *error)
{
	char *base = ghr_api_base(error);

	if (!base)
		return NULL;
	struct ghr_api *api = xcalloc(1, sizeof *api);
	*api = (struct ghr_api){.session = session, .base = base, .host = url_host(base)};
	if (github_credential_find(session, base, &api->credential, error) == 0)
		return api;
	ghr_api_close(api);
	return NULL;
}

void ghr_api_close(struct ghr_api *api)
{
	if (!api)
		return;
	github_credential_free(&api->credential);
	free(api->base);
	free(api->host);
	free(api);
}

/* True when the URL begins with the origin and its path follows. */
static bool has_origin(const char *url, const char *origin, size_t length)
{
	return strncasecmp(url, origin, length) == 0 && url[length] == '/';
}

/* True when the token may go there. */
static bool is_ours(const struct ghr_api *api, const char *url)
{
	size_t length = origin_length(api->base);
	const char *host = strstr(api->base, "://") + 3;

	if (has_origin(url, api->base, length))
		return true;
	if (strncasecmp(host, "api.", 4) != 0)
		return false;
	AUTO_FREE char *uploads =
		xasprintf("%.*suploads.%.*s", (int)(host - api->base), api->base, (int)strcspn(host + 4, "/"), host + 4);
	return has_origin(url, uploads, strlen(uploads));
}

static int ask_once(struct ghr_api *api, const struct http_request *request, struct http_response *ret, struct error *error)
{
	const char *headers[MOST_HEADERS + 3] = {"X-GitHub-Api-Version: 2022-11-28", api->credential.authorization};
	struct http_request authorized = *request;
	size_t count = api->credential.authorization ? 2 : 1;

	for (size_t i = 0; request->headers && request->headers[i] && i < MOST_HEADERS; i++)
		headers[count++] = request->headers[i];
	authorized.headers = headers;
	int result = session_ask(api->session, &authorized, api->credential.identity, ret, error);
	if (result && error->code == ERROR_LIMITED && !api->credential.authorization)
		error_hint(error, "give a token in GH_TOKEN, which may ask 5,000 times an hour instead of 60, or run less often");
	return result;
}

/* Replaces a token that an earlier run kept. */
static int renew(struct ghr_api *api, struct error *error)
{
	tokens_forget(api->session->root, api->credential.kept_as);
	github_credential_free(&api->credential);
	return github_credential_find(api->session, api->base, &api->credential, error);
}

int ghr_api_ask(struct ghr_api *api, const struct http_request *request, struct http_response *ret, struct error *error)
{
	*ret = (struct http_response){0};
	if (!is_ours(api, request->url)) {
		AUTO_FREE char *host = url_host(request->url);
		error_set(error, ERROR_REGISTRY, "%s leads to %s, which is another host: it is not asked", api->host, host);
		return error_hint(error, "give GITHUB_API_URL as the service itself writes its URLs");
	}
	if (ask_once(api, request, ret, error))
		return -1;
	if (ret->status != 401 || !api->credential.kept_as)
		return 0;
	http_response_free(ret);
	return renew(api, error) ? -1 : ask_once(api, request, ret, error);
}

void ghr_page_free(struct ghr_page *page)
{
	cJSON_Delete(page->items);
	free(page->url);
	free(page->etag);
	free(page->next);
	*page = (struct ghr_page){0};
}

/* A page that is arriving. */
struct reading {
	const struct ghr_api *api;
	const struct ghr_query *query;
	struct ghr_page *page;
	struct json_stream stream;
};

#define AUTO_READING AUTO(free_reading)

static void free_reading(struct reading *reading)
{
	json_stream_free(&reading->stream);
}

static int begin_page(void *context, long long offset, struct error *error)
{
	struct reading *reading = context;

	(void)error;
	if (offset > 0)
		return 0;
	json_stream_reset(&reading->stream);
	cJSON_Delete(reading->page->items);
	reading->page->items = xrequire(cJSON_CreateArray());
	return 0;
}

static int explain_garbage(const struct reading *reading, struct error *error)
{
	if (error->code != ERROR_DOCUMENT)
		return -1;
	error->code = ERROR_REGISTRY;
	error_in(error, "%s: %s", reading->api->host, reading->query->what);
	return error_hint(error, "check GITHUB_API_URL and the proxy variables: something else than GitHub may have answered");
}

static int write_page(void *context, const void *bytes, size_t length, struct error *error)
{
	struct reading *reading = context;

	return json_stream_feed(&reading->stream, bytes, length, error) ? explain_garbage(reading, error) : 0;
}

static int add_item(const cJSON *element, void *context, struct error *error)
{
	const struct reading *reading = context;
	cJSON *item;

	if (!cJSON_IsObject(element))
		return error_set(error, ERROR_DOCUMENT, "not a JSON array of objects: an element is none");
	if (cJSON_GetArraySize(reading->page->items) >= PAGE_SIZE)
		return error_set(error, ERROR_DOCUMENT, "more than the %d elements of a page", PAGE_SIZE);
	cJSON_AddItemToArray(reading->page->items, item = xrequire(cJSON_CreateObject()));
	for (const char *const *name = reading->query->members; *name; name++) {
		const cJSON *member = json_get(element, *name);
		const char *text = cJSON_GetStringValue(member);
		if (text && strlen(text) > TEXT_LIMIT)
			return error_set(error, ERROR_DOCUMENT, "%s is longer than %d bytes", *name, TEXT_LIMIT);
		if (member)
			json_set(item, *name, xrequire(cJSON_Duplicate(member, true)));
	}
	return 0;
}

/* Returns the URL of the next page out of a Link header (RFC 8288), which the caller frees; NULL when there is none. */
static char *next_of(const char *link)
{
	const char *open = link ? strchr(link, '<') : NULL, *close;

	for (; open && (close = strchr(open, '>')); open = strchr(close, '<')) {
		AUTO_FREE char *parameters = xstrndup(close + 1, strcspn(close + 1, "<"));
		if (strstr(parameters, "rel=\"next\""))
			return xstrndup(open + 1, (size_t)(close - open - 1));
	}
	return NULL;
}

static int finish_page(struct reading *reading, struct error *error)
{
	struct http *http = session_http(reading->api->session);

	if (json_stream_end(&reading->stream, error))
		return explain_garbage(reading, error);
	reading->page->url = xstrdup(reading->query->url);
	reading->page->etag = xstrdup(http_etag(http));
	reading->page->next = next_of(http_header(http, "Link", 0));
	return 0;
}

int ghr_api_read(struct ghr_api *api, const struct ghr_query *query, struct ghr_page *ret, struct error *error)
{
	AUTO_READING struct reading reading = {.api = api, .query = query, .page = ret};
	AUTO_RESPONSE struct http_response response = {0};
	AUTO_FREE char *condition = query->etag ? xasprintf("If-None-Match: %s", query->etag) : NULL;
	const char *const headers[] = {"Accept: application/vnd.github+json", condition, NULL};
	const struct http_sink sink = {.begin = begin_page, .write = write_page, .context = &reading};
	const struct http_request request = {
		.url = query->url, .headers = headers, .sink = &sink, .limit = PAGE_LIMIT, .redirects = REDIRECTS};

	*ret = (struct ghr_page){0};
	reading.stream = (struct json_stream){.limit = ELEMENT_LIMIT, .element = add_item, .context = &reading};
	if (ghr_api_ask(api, &request, &response, error))
		return -1;
	if (response.status == 304 && query->etag)
		return 1;
	return response.status == 200 ? finish_page(&reading, error) : ghr_api_refuse(api, query->what, &response, error);
}

int ghr_api_walk(struct ghr_api *api, const struct ghr_query *query,
		 int (*visit)(const struct ghr_page *page, void *context, struct error *error), void *context, struct error *error)
{
	struct ghr_query each = *query;
	AUTO_FREE char *url = NULL;

	for (int count = 0; count < MOST_PAGES; count++) {
		AUTO_GHR_PAGE struct ghr_page page = {0};
		int result = ghr_api_read(api, &each, &page, error);
		if (result)
			return result;
		int end = visit(&page, context, error);
		if (end || !page.next)
			return end < 0 ? -1 : 0;
		free(url);
		each.url = url = steal_pointer(&page.next);
		each.etag = NULL;
	}
	return error_set(error, ERROR_REGISTRY, "%s: %s fill more than %d pages", api->host, query->what, MOST_PAGES);
}
