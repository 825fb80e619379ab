/* SPDX-License-Identifier: MIT */
#include "registry/ghr.h"

#include "alloc.h"
#include "error.h"
#include "str.h"

#include <string.h>

enum { DOWNLOAD_REDIRECTS = 5 };

/* The asset that is looked for. */
struct wanted {
	const char *name;
	char *id, *digest;
};

#define AUTO_WANTED AUTO(free_wanted)

static void free_wanted(struct wanted *wanted)
{
	free(wanted->id);
	free(wanted->digest);
}

static int look_for_asset(const struct ghr_page *page, void *context, struct error *error)
{
	struct wanted *wanted = context;
	const cJSON *asset;

	(void)error;
	cJSON_ArrayForEach(asset, page->items)
	{
		if (!str_equal(json_string(asset, "name"), wanted->name) || !ghr_is_uploaded(asset))
			continue;
		wanted->id = ghr_id(asset);
		wanted->digest = xstrdup(ghr_digest(asset));
		return 1;
	}
	return 0;
}

/* Finds the asset of a version. Returns 0 or -1. */
static int find_asset(struct registry *registry, const char *version, struct wanted *wanted, struct error *error)
{
	AUTO_RELEASE struct release release = {.version = xstrdup(version)};

	if (!ghr_open(registry, error) || ghr_complete_release(registry, &release, error) ||
	    ghr_walk_assets(registry, &release, look_for_asset, wanted, error))
		return -1;
	if (wanted->id)
		return 0;
	AUTO_FREE char *what = ghr_name(registry, version);
	error_set(error, ERROR_NOT_FOUND, "%s has no %s, or not any more", what, wanted->name);
	return error_hint(error, "start again from dewy-check; publish the artifact again if it is gone");
}

/* Splits the path of an artifact's URL that registry_owns: a version may have a slash in it, an asset has none. Returns the
 * version, which the caller frees, and the name, which belongs to the URL; or NULL. */
static char *split_url(const struct registry *registry, const struct url *url, const char **ret_name, struct error *error)
{
	const char *below = url->path + strlen(registry->url.path), *slash = strrchr(below, '/');
	size_t length = strlen(GHR_TAG);

	if (!str_starts(below, GHR_TAG) || slash <= below + length || !str_is_file_name(slash + 1)) {
		error_set(error, ERROR_DOCUMENT, "%s is not the path of an artifact: expected /REPO/tag/VERSION/ARTIFACT",
			  url->path);
		return NULL;
	}
	*ret_name = slash + 1;
	return xstrndup(below + length, (size_t)(slash - below) - length);
}

/* A download under way. */
struct download {
	struct registry *registry;
	const struct registry_sink *sink;
	const char *checksums[2];
};

static int begin_download(void *context, long long offset, struct error *error)
{
	const struct download *download = context;
	const struct registry_part part = {
		.offset = offset,
		.validator = http_validator(session_http(&download->registry->session)),
		.checksums = download->checksums,
	};

	return download->sink->begin(download->sink->context, &part, error);
}

static int write_download(void *context, const void *bytes, size_t length, struct error *error)
{
	const struct download *download = context;

	return download->sink->write(download->sink->context, bytes, length, error);
}

/* https://docs.github.com/rest/releases/assets#get-a-release-asset: the answer leads to a signed URL of another host, which takes
 * no token. */
static int fetch_asset(struct download *download, const char *id, const struct registry_resume *resume, const char *what,
		    struct error *error)
{
	struct registry *registry = download->registry;
	AUTO_FREE char *below = xasprintf("/assets/%s", id);
	AUTO_FREE char *url = ghr_url(registry, below);
	static const char *const headers[] = {"Accept: application/octet-stream", NULL};
	const struct http_sink sink = {.begin = begin_download, .write = write_download, .context = download};
	const struct http_request request = {
		.url = url,
		.headers = headers,
		.sink = &sink,
		.offset = resume->offset,
		.validator = resume->validator,
		.large = true,
		.timeout_ms = registry->session.download_ms,
		.redirects = DOWNLOAD_REDIRECTS,
	};
	AUTO_RESPONSE struct http_response response = {0};

	if (ghr_api_ask(registry->own, &request, &response, error))
		return -1;
	if (response.status == 200 || response.status == 206)
		return 0;
	return ghr_api_refuse(registry->own, what, &response, error);
}

int ghr_fetch(struct registry *registry, const struct url *url, const struct registry_resume *resume,
	      const struct registry_sink *sink, struct error *error)
{
	AUTO_WANTED struct wanted wanted = {0};
	AUTO_FREE char *version = registry_owns(registry, url, error) ? NULL : split_url(registry, url, &wanted.name, error);

	if (!version || find_asset(registry, version, &wanted, error))
		return -1;
	AUTO_FREE char *what = xasprintf("%s of %s", wanted.name, version);
	struct download download = {.registry = registry, .sink = sink, .checksums = {wanted.digest}};
	return fetch_asset(&download, wanted.id, resume, what, error);
}
