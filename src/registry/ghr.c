/* SPDX-License-Identifier: MIT */
/* ghr://OWNER/REPO: the releases of a repository at GitHub; an artifact is ghr://OWNER/REPO/tag/VERSION/ARTIFACT. */
#include "registry/ghr.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "registry/ghr_validators.h"
#include "str.h"

#include <stdio.h>
#include <string.h>

/* True for what can be the name of an owner or a repository: it needs no encoding. */
static bool is_name(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

	return *text && !text[strspn(text, letters)] && !str_equal(text, ".") && !str_equal(text, "..");
}

static int check(const struct registry *registry, struct error *error)
{
	AUTO_FREE char *base = ghr_api_base(error);

	if (!base)
		return -1;
	if (is_name(registry->url.authority) && *registry->url.path == '/' && is_name(registry->url.path + 1))
		return 0;
	error_set(error, ERROR_CONFIG, "expected ghr://OWNER/REPO with the names of an owner and a repository at GitHub");
	return error_hint(error, "write it as in https://github.com/OWNER/REPO: ghr://OWNER/REPO");
}

static void close_api(struct registry *registry)
{
	ghr_api_close(registry->own);
	session_close(&registry->session);
}

/* What listing one page after the other remembers. */
struct listing {
	int (*visit)(const struct release *release, void *context, struct error *error);
	void *context;
	cJSON *pages;  /* validators of the pages */
	bool complete; /* each page has one */
};

static int visit_release(const struct listing *listing, const cJSON *item, struct error *error)
{
	AUTO_FREE char *version = xstrdup(json_string(item, "tag_name")), *id = ghr_id(item);

	if (!version || !id) {
		error_set(error, ERROR_REGISTRY, "GitHub lists a release without tag_name or id");
		return error_hint(error, "check GITHUB_API_URL: it may be no API of GitHub's");
	}
	const struct release release = {
		.version = version,
		.id = id,
		.draft = json_true(item, "draft"),
		.prerelease = json_true(item, "prerelease"),
		.published_at = ghr_published_at(item),
	};
	return listing->visit(&release, listing->context, error);
}

static int visit_page(const struct ghr_page *page, void *context, struct error *error)
{
	struct listing *listing = context;
	cJSON *validator = xrequire(cJSON_CreateObject());
	const cJSON *item;

	json_set_string(validator, "url", page->url);
	json_set_string(validator, "etag", page->etag);
	cJSON_AddItemToArray(listing->pages, validator);
	listing->complete = listing->complete && page->etag;
	cJSON_ArrayForEach(item, page->items)
	{
		if (visit_release(listing, item, error))
			return -1;
	}
	return 0;
}

static int list_all(struct registry *registry, const struct ghr_query *query, struct listing *listing, struct error *error)
{
	AUTO_JSON cJSON *pages = xrequire(cJSON_CreateArray());

	listing->pages = pages;
	listing->complete = true;
	int result = ghr_api_walk(registry->own, query, visit_page, listing, error);
	if (result == 0)
		ghr_validators_keep(registry, listing->complete ? steal_pointer(&pages) : NULL);
	return result;
}

static const char *const release_members[] = {"id", "tag_name", "draft", "prerelease", "published_at", NULL};

static int list(struct registry *registry, int (*visit)(const struct release *release, void *context, struct error *error),
		void *context, struct error *error)
{
	if (!ghr_open(registry, error))
		return -1;
	AUTO_FREE char *url = ghr_url(registry, "?per_page=100"), *what = ghr_name(registry, NULL);
	struct ghr_query query = {.url = url, .members = release_members, .what = what};
	struct listing listing = {.visit = visit, .context = context};

	query.etag = ghr_validators_etag(registry, url);
	int result = list_all(registry, &query, &listing, error);
	if (result != 1)
		return result;
	int held = ghr_validators_hold(registry, &query, error);
	if (held)
		return held;
	query.etag = NULL;
	return list_all(registry, &query, &listing, error);
}

static char *artifact_url(const struct registry *registry, const char *version, const char *name)
{
	AUTO_BUF struct buf url = {0};

	buf_printf(&url, "ghr://%s%s" GHR_TAG, registry->url.authority, registry->url.path);
	url_add_encoded(&url, version, "");
	buf_puts(&url, "/");
	url_add_encoded(&url, name, "");
	return buf_steal(&url);
}

/* What gathering one page after the other fills in. */
struct gathering {
	const struct registry *registry;
	const char *version;
	struct artifact_list *list;
};

static void gather_asset(const struct gathering *gathering, const cJSON *asset)
{
	const char *name = json_string(asset, "name"), *digest = ghr_digest(asset);

	if (!name || !str_is_file_name(name) || str_starts(name, "shipped_to_") || !ghr_is_uploaded(asset))
		return;
	AUTO_FREE char *copy = xstrdup(name), *url = artifact_url(gathering->registry, gathering->version, name);
	AUTO_FREE char *id = ghr_id(asset); /* an asset is replaced by another one */
	struct artifact artifact = {.name = copy, .url = url, .revision = id, .size = json_number(asset, "size", -1)};
	if (digest)
		snprintf(artifact.digest, sizeof artifact.digest, "%s", digest);
	artifact_list_add(gathering->list, &artifact);
}

static int gather_page(const struct ghr_page *page, void *context, struct error *error)
{
	const cJSON *asset;

	(void)error;
	cJSON_ArrayForEach(asset, page->items)
	{
		gather_asset(context, asset);
	}
	return 0;
}

static int artifacts(struct registry *registry, struct release *release, struct artifact_list *ret_list, struct error *error)
{
	struct gathering gathering = {.registry = registry, .version = release->version, .list = ret_list};

	if (!ghr_open(registry, error) || ghr_complete_release(registry, release, error))
		return -1;
	return ghr_walk_assets(registry, release, gather_page, &gathering, error);
}

static const char *const no_parameters[] = {NULL};

const struct registry_ops ghr_registry = {
	.scheme = "ghr",
	.parameters = no_parameters,
	.has_validators = true,
	.check = check,
	.list = list,
	.artifacts = artifacts,
	.fetch = ghr_fetch,
	.report = ghr_report,
	.close = close_api,
};
