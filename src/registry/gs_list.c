/* SPDX-License-Identifier: MIT */
/* Lists of objects, page by page. */
#include "registry/gs.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "str.h"
#include "time.h"

#include <string.h>

enum {
	PAGE_LIMIT = 4 << 20, /* bytes of a page of 1,000 names */
	MOST_PAGES = 10000,   /* of one list: an end for a service that always says that there is more */
};

static const struct gs_permission may_list = {"storage.objects.list", "roles/storage.objectViewer"};

void gs_add_prefix(struct buf *prefix, const struct registry *registry, const char *version)
{
	buf_puts(prefix, "");
	if (*registry->url.path)
		buf_printf(prefix, "%s/", registry->url.path + 1);
	if (version)
		buf_printf(prefix, "%s/", version);
}

/* A list that is read page by page. */
struct listing {
	struct registry *registry;
	struct buf prefix;  /* of the names */
	const char *fields; /* of the answer, besides the token of the next page */
	int (*visit)(const struct listing *listing, const cJSON *page, struct error *error);
	void *context; /* of visit */
};

/* Returns the page with that token, NULL for the first one, which the caller deletes; or NULL. */
static cJSON *read_page(const struct listing *listing, const char *token, struct error *error)
{
	AUTO_BUF struct buf url = {0};
	AUTO_RESPONSE struct http_response response = {0};

	gs_add_objects(&url, listing->registry, "");
	buf_puts(&url, "?delimiter=%2F&fields=");
	url_add_encoded(&url, listing->fields, "");
	buf_puts(&url, "%2CnextPageToken&maxResults=1000&prefix=");
	url_add_encoded(&url, buf_text(&listing->prefix), "");
	if (token) {
		buf_puts(&url, "&pageToken=");
		url_add_encoded(&url, token, "");
	}
	struct http_request request = {.url = url.data, .limit = PAGE_LIMIT};
	if (gs_ask(listing->registry, gs_read_scope, &request, NULL, &response, error))
		return NULL;
	if (response.status != 200) {
		gs_refuse(listing->registry, &response, &may_list, error);
		return NULL;
	}
	cJSON *page = json_parse(buf_text(&response.body), response.body.length, error);
	if (cJSON_IsObject(page))
		return page;
	cJSON_Delete(page);
	error_set(error, ERROR_REGISTRY, "gs://%s: the service answers with what is no list of objects",
		  listing->registry->url.authority);
	error_hint(error, "look for a proxy or an endpoint that is not Google Cloud Storage");
	return NULL;
}

/* Gives page after page to visit. A page may be empty and still have another one behind it. */
static int read_pages(const struct listing *listing, struct error *error)
{
	AUTO_FREE char *token = NULL;

	for (int pages = 0; pages < MOST_PAGES; pages++) {
		AUTO_JSON cJSON *page = read_page(listing, token, error);
		if (!page || listing->visit(listing, page, error))
			return -1;
		const char *next = json_string(page, "nextPageToken");
		if (!next || !*next)
			return 0;
		if (str_equal(next, token))
			break;
		free(token);
		token = xstrdup(next);
	}
	return error_set(error, ERROR_REGISTRY, "gs://%s: the list of objects has no end", listing->registry->url.authority);
}

/* What list was given. */
struct visitor {
	int (*visit)(const struct release *release, void *context, struct error *error);
	void *context;
};

static int visit_versions(const struct listing *listing, const cJSON *page, struct error *error)
{
	const struct visitor *visitor = listing->context;
	const cJSON *item;

	cJSON_ArrayForEach(item, json_get(page, "prefixes"))
	{
		const char *name = cJSON_GetStringValue(item);
		if (!name || !str_starts(name, buf_text(&listing->prefix)))
			continue;
		name += listing->prefix.length;
		AUTO_FREE char *version = xstrndup(name, strcspn(name, "/"));
		if (str_is_file_name(version) && visitor->visit(&(struct release){.version = version}, visitor->context, error))
			return -1;
	}
	return 0;
}

int gs_list(struct registry *registry, int (*visit)(const struct release *release, void *context, struct error *error),
	    void *context, struct error *error)
{
	AUTO_BUF struct buf prefix = {0};

	gs_add_prefix(&prefix, registry, NULL);
	struct visitor visitor = {visit, context};
	return read_pages(&(struct listing){registry, prefix, "prefixes", visit_versions, &visitor}, error);
}

/* What artifacts fills in. */
struct gathering {
	struct release *release;
	struct artifact_list *list;
};

static char *artifact_url(const struct registry *registry, const char *object)
{
	AUTO_BUF struct buf url = {0};

	buf_printf(&url, "gs://%s/", registry->url.authority);
	url_add_encoded(&url, object, "/");
	return buf_steal(&url);
}

static long long size_of(const cJSON *item)
{
	const char *text = json_string(item, "size"); /* a number of 64 bits, which JSON's numbers do not hold */
	long long size;

	return text && str_to_number(text, &size) == 0 ? size : -1;
}

/* A version was published with the oldest of its objects, also one that only makes it look like a directory. */
static void note_time(struct release *release, const cJSON *item)
{
	const char *created = json_string(item, "timeCreated");
	time_t when;

	if (created && time_parse(created, &when) == 0 && (!release->published_at || when < release->published_at))
		release->published_at = when;
}

static int gather_artifacts(const struct listing *listing, const cJSON *page, struct error *error)
{
	const struct gathering *gathering = listing->context;
	const cJSON *item;

	(void)error;
	cJSON_ArrayForEach(item, json_get(page, "items"))
	{
		const char *object = json_string(item, "name");
		if (!object || !str_starts(object, buf_text(&listing->prefix)))
			continue;
		note_time(gathering->release, item);
		AUTO_FREE char *name = xstrdup(object + listing->prefix.length), *url = artifact_url(listing->registry, object);
		AUTO_FREE char *revision = xstrdup(json_string(item, "generation"));
		const struct artifact artifact = {.name = name, .url = url, .revision = revision, .size = size_of(item)};
		if (str_is_file_name(name))
			artifact_list_add(gathering->list, &artifact);
	}
	return 0;
}

int gs_artifacts(struct registry *registry, struct release *release, struct artifact_list *ret_list, struct error *error)
{
	AUTO_BUF struct buf prefix = {0};
	struct gathering gathering = {release, ret_list};

	gs_add_prefix(&prefix, registry, release->version);
	const char *fields = "items(name,size,timeCreated,generation)";
	return read_pages(&(struct listing){registry, prefix, fields, gather_artifacts, &gathering}, error);
}
