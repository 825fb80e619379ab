/* SPDX-License-Identifier: MIT */
#include "registry/ghr.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "str.h"
#include "time.h"

#include <string.h>

struct ghr_api *ghr_open(struct registry *registry, struct error *error)
{
	if (!registry->own)
		registry->own = ghr_api_open(&registry->session, error);
	return registry->own;
}

char *ghr_url(const struct registry *registry, const char *below)
{
	const struct ghr_api *api = registry->own;

	return xasprintf("%s/repos/%s%s/releases%s", api->base, registry->url.authority, registry->url.path, below);
}

char *ghr_name(const struct registry *registry, const char *version)
{
	if (!version)
		return xasprintf("the releases of %s%s", registry->url.authority, registry->url.path);
	return xasprintf("release %s of %s%s", version, registry->url.authority, registry->url.path);
}

char *ghr_id(const cJSON *item)
{
	long long id = json_number(item, "id", 0);

	return id > 0 ? xasprintf("%lld", id) : NULL;
}

time_t ghr_published_at(const cJSON *item)
{
	const char *text = json_string(item, "published_at");
	time_t when;

	return text && time_parse(text, &when) == 0 ? when : 0;
}

static const char *const single_members[] = {"id", "published_at", "upload_url", NULL};

int ghr_find_release(struct registry *registry, const char *version, struct ghr_page *ret, struct error *error)
{
	AUTO_BUF struct buf below = {0};

	if (!ghr_open(registry, error))
		return -1;
	buf_puts(&below, "/tags/");
	url_add_encoded(&below, version, "");
	AUTO_FREE char *url = ghr_url(registry, buf_text(&below)), *what = ghr_name(registry, version);
	const struct ghr_query query = {.url = url, .members = single_members, .what = what};
	if (ghr_api_read(registry->own, &query, ret, error))
		return -1;
	if (json_number(ret->items->child, "id", 0) > 0)
		return 0;
	return error_set(error, ERROR_REGISTRY, "GitHub tells no id of %s", what);
}

int ghr_complete_release(struct registry *registry, struct release *release, struct error *error)
{
	AUTO_GHR_PAGE struct ghr_page page = {0};

	if (release->id)
		return 0;
	if (ghr_find_release(registry, release->version, &page, error))
		return -1;
	release->id = ghr_id(page.items->child);
	if (!release->published_at)
		release->published_at = ghr_published_at(page.items->child);
	return 0;
}

static const char *const asset_members[] = {"id", "name", "state", "size", "digest", NULL};

int ghr_walk_assets(struct registry *registry, const struct release *release,
		    int (*visit)(const struct ghr_page *page, void *context, struct error *error), void *context,
		    struct error *error)
{
	AUTO_FREE char *below = xasprintf("/%s/assets?per_page=100", release->id), *what = ghr_name(registry, release->version);
	AUTO_FREE char *url = ghr_url(registry, below);
	const struct ghr_query query = {.url = url, .members = asset_members, .what = what};

	return ghr_api_walk(registry->own, &query, visit, context, error);
}

bool ghr_is_uploaded(const cJSON *asset)
{
	return str_equal(json_string(asset, "state"), "uploaded");
}

const char *ghr_digest(const cJSON *asset)
{
	static const char algorithm[] = "sha256:";
	const char *digest = json_string(asset, "digest");
	size_t length = sizeof algorithm - 1;

	if (!digest || !str_starts(digest, algorithm) || strlen(digest) != length + 64)
		return NULL;
	return strspn(digest + length, "0123456789abcdef") == 64 ? digest : NULL;
}

