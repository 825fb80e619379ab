/* SPDX-License-Identifier: MIT */
/* ghr://OWNER/REPO: the releases of a repository at GitHub, and their assets. An artifact is ghr://OWNER/REPO/tag/VERSION/ARTIFACT. */
#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "log.h"
#include "registry/ghr_api.h"
#include "registry/ghr_validators.h"
#include "registry/registry.h"
#include "str.h"
#include "time.h"

#include <string.h>

enum {
	DOWNLOAD_REDIRECTS = 5,
	ANSWER_LIMIT = 1 << 20,
};

static const char tag_directory[] = "/tag/";

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

static bool is_name(const char *text)
{
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

/* Returns the API, which belongs to the registry, or NULL. */
static struct ghr_api *open_api(struct registry *registry, struct error *error)
{
	if (!registry->own)
		registry->own = ghr_api_open(&registry->session, error);
	return registry->own;
}

static void close_api(struct registry *registry)
{
	ghr_api_close(registry->own);
}

/* Returns the URL of what is below the releases of the repository, which the caller frees. */
static char *releases_url(const struct registry *registry, const char *below)
{
	const struct ghr_api *api = registry->own;

	return xasprintf("%s/repos/%s%s/releases%s", api->base, registry->url.authority, registry->url.path, below);
}

/* Returns how messages call the releases, or the release of a version; the caller frees it. */
static char *name_of(const struct registry *registry, const char *version)
{
	if (!version)
		return xasprintf("the releases of %s%s", registry->url.authority, registry->url.path);
	return xasprintf("release %s of %s%s", version, registry->url.authority, registry->url.path);
}

/* Returns the text of a number that GitHub calls something by; the caller frees it, NULL when it is missing. */
static char *id_of(const cJSON *item)
{
	long long id = json_number(item, "id", 0);

	return id > 0 ? xasprintf("%lld", id) : NULL;
}

/* Drafts are not published yet: their time is null. */
static time_t published_at(const cJSON *item)
{
	const char *text = json_string(item, "published_at");
	time_t when;

	return text && time_parse(text, &when) == 0 ? when : 0;
}

/* What listing one page after the other remembers. */
struct listing {
	int (*visit)(const struct release *release, void *context, struct error *error);
	void *context;
	cJSON *pages; /* validators of the pages */
	bool complete; /* each page has one */
};

static int visit_release(const struct listing *listing, const cJSON *item, struct error *error)
{
	AUTO_FREE char *version = xstrdup(json_string(item, "tag_name")), *id = id_of(item);

	if (!version || !id) {
		error_set(error, ERROR_REGISTRY, "GitHub lists a release without tag_name or id");
		return error_hint(error, "check GITHUB_API_URL: it may be no API of GitHub's");
	}
	const struct release release = {
		.version = version,
		.id = id,
		.draft = json_true(item, "draft"),
		.prerelease = json_true(item, "prerelease"),
		.published_at = published_at(item),
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
	cJSON_ArrayForEach(item, page->items) if (visit_release(listing, item, error)) return -1;
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
	if (!open_api(registry, error))
		return -1;
	AUTO_FREE char *url = releases_url(registry, "?per_page=100"), *what = name_of(registry, NULL);
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

/* What is asked of one release. */
static const char *const single_members[] = {"id", "published_at", "upload_url", NULL};

/* Finds the release of a version. Returns 0 with the members above, or -1. */
static int find_release(struct registry *registry, const char *version, struct ghr_page *ret, struct error *error)
{
	AUTO_BUF struct buf below = {0};

	if (!open_api(registry, error))
		return -1;
	buf_puts(&below, "/tags/");
	url_add_encoded(&below, version, "");
	AUTO_FREE char *url = releases_url(registry, buf_text(&below)), *what = name_of(registry, version);
	const struct ghr_query query = {.url = url, .members = single_members, .what = what};
	if (ghr_api_read(registry->own, &query, ret, error))
		return -1;
	if (json_number(ret->items->child, "id", 0) > 0)
		return 0;
	return error_set(error, ERROR_REGISTRY, "GitHub tells no id of %s", what);
}

/* Sets what list did not. */
static int complete_release(struct registry *registry, struct release *release, struct error *error)
{
	AUTO_GHR_PAGE struct ghr_page page = {0};

	if (release->id)
		return 0;
	if (find_release(registry, release->version, &page, error))
		return -1;
	release->id = id_of(page.items->child);
	if (!release->published_at)
		release->published_at = published_at(page.items->child);
	return 0;
}

static char *artifact_url(const struct registry *registry, const char *version, const char *name)
{
	AUTO_BUF struct buf url = {0};

	buf_printf(&url, "ghr://%s%s%s", registry->url.authority, registry->url.path, tag_directory);
	url_add_encoded(&url, version, "");
	buf_puts(&url, "/");
	url_add_encoded(&url, name, "");
	return buf_steal(&url);
}

static const char *const asset_members[] = {"id", "name", "state", "size", "digest", NULL};

/* Walks through the assets of a release. */
static int walk_assets(struct registry *registry, const struct release *release,
		       int (*visit)(const struct ghr_page *page, void *context, struct error *error), void *context, struct error *error)
{
	AUTO_FREE char *below = xasprintf("/%s/assets?per_page=100", release->id), *what = name_of(registry, release->version);
	AUTO_FREE char *url = releases_url(registry, below);
	const struct ghr_query query = {.url = url, .members = asset_members, .what = what};

	return ghr_api_walk(registry->own, &query, visit, context, error);
}

/* An asset that is still being uploaded, or whose upload broke off, has another state. */
static bool is_uploaded(const cJSON *asset)
{
	return str_equal(json_string(asset, "state"), "uploaded");
}

static bool is_sha256(const char *digest)
{
	static const char algorithm[] = "sha256:";
	size_t length = sizeof algorithm - 1;

	return digest && str_starts(digest, algorithm) && strlen(digest) == length + 64 &&
	       strspn(digest + length, "0123456789abcdef") == 64;
}

/* What gathering one page after the other fills in. */
struct gathering {
	const struct registry *registry;
	const char *version;
	struct artifact_list *list;
};

static void gather_asset(const struct gathering *gathering, const cJSON *asset)
{
	const char *name = json_string(asset, "name"), *digest = json_string(asset, "digest");

	if (!name || !str_is_file_name(name) || str_starts(name, "shipped_to_") || !is_uploaded(asset))
		return;
	AUTO_FREE char *copy = xstrdup(name), *url = artifact_url(gathering->registry, gathering->version, name);
	struct artifact artifact = {.name = copy, .url = url, .size = json_number(asset, "size", -1)};
	if (is_sha256(digest))
		strcpy(artifact.digest, digest);
	artifact_list_add(gathering->list, &artifact);
}

static int gather_page(const struct ghr_page *page, void *context, struct error *error)
{
	const cJSON *asset;

	(void)error;
	cJSON_ArrayForEach(asset, page->items) gather_asset(context, asset);
	return 0;
}

static int artifacts(struct registry *registry, struct release *release, struct artifact_list *ret_list, struct error *error)
{
	struct gathering gathering = {.registry = registry, .version = release->version, .list = ret_list};

	if (!open_api(registry, error) || complete_release(registry, release, error))
		return -1;
	return walk_assets(registry, release, gather_page, &gathering, error);
}

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
		const char *digest = json_string(asset, "digest");
		if (!str_equal(json_string(asset, "name"), wanted->name) || !is_uploaded(asset))
			continue;
		wanted->id = id_of(asset);
		wanted->digest = is_sha256(digest) ? xstrdup(digest) : NULL;
		return 1;
	}
	return 0;
}

/* Finds the asset of a version. Returns 0 or -1. */
static int find_asset(struct registry *registry, const char *version, struct wanted *wanted, struct error *error)
{
	AUTO_RELEASE struct release release = {.version = xstrdup(version)};

	if (!open_api(registry, error) || complete_release(registry, &release, error) ||
	    walk_assets(registry, &release, look_for_asset, wanted, error))
		return -1;
	if (wanted->id)
		return 0;
	AUTO_FREE char *what = name_of(registry, version);
	error_set(error, ERROR_NOT_FOUND, "%s has no %s, or not any more", what, wanted->name);
	return error_hint(error, "start again from dewy-check; publish the artifact again if it is gone");
}

/* Splits the path of an artifact's URL that registry_owns: a version may have a slash in it, an asset has none. Returns the version,
 * which the caller frees, and the name, which belongs to the URL; or NULL. */
static char *split_url(const struct registry *registry, const struct url *url, const char **ret_name, struct error *error)
{
	const char *below = url->path + strlen(registry->url.path), *slash = strrchr(below, '/');
	size_t length = strlen(tag_directory);

	if (!str_starts(below, tag_directory) || slash <= below + length || !str_is_file_name(slash + 1)) {
		error_set(error, ERROR_DOCUMENT, "%s is not the path of an artifact: expected /REPO/tag/VERSION/ARTIFACT", url->path);
		return NULL;
	}
	*ret_name = slash + 1;
	return xstrndup(below + length, (size_t)(slash - below) - length);
}

/* An artifact that is arriving. */
struct transfer {
	struct registry *registry;
	const struct registry_sink *sink;
	const char *checksums[2];
};

static int begin_transfer(void *context, long long offset, struct error *error)
{
	const struct transfer *transfer = context;
	const struct registry_part part = {
		.offset = offset,
		.validator = http_validator(session_http(&transfer->registry->session)),
		.checksums = transfer->checksums,
	};

	return transfer->sink->begin(transfer->sink->context, &part, error);
}

static int write_transfer(void *context, const void *bytes, size_t length, struct error *error)
{
	const struct transfer *transfer = context;

	return transfer->sink->write(transfer->sink->context, bytes, length, error);
}

/* https://docs.github.com/rest/releases/assets#get-a-release-asset: the answer leads to a signed URL of another host, which takes no
 * token. */
static int download(struct transfer *transfer, const char *id, const struct registry_resume *resume, const char *what, struct error *error)
{
	struct registry *registry = transfer->registry;
	AUTO_FREE char *below = xasprintf("/assets/%s", id);
	AUTO_FREE char *url = releases_url(registry, below);
	static const char *const headers[] = {"Accept: application/octet-stream", NULL};
	const struct http_sink sink = {.begin = begin_transfer, .write = write_transfer, .context = transfer};
	const struct http_request request = {
		.url = url,
		.headers = headers,
		.sink = &sink,
		.offset = resume->offset,
		.validator = resume->validator,
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

static int fetch(struct registry *registry, const struct url *url, const struct registry_resume *resume,
		 const struct registry_sink *sink, struct error *error)
{
	AUTO_WANTED struct wanted wanted = {0};
	AUTO_FREE char *version = registry_owns(registry, url, error) ? NULL : split_url(registry, url, &wanted.name, error);

	if (!version || find_asset(registry, version, &wanted, error))
		return -1;
	AUTO_FREE char *what = xasprintf("%s of %s", wanted.name, version);
	struct transfer transfer = {.registry = registry, .sink = sink, .checksums = {wanted.digest}};
	return download(&transfer, wanted.id, resume, what, error);
}

/* Returns where the release takes assets, which the caller frees, or NULL. It comes as a template (RFC 6570):
 * https://uploads.github.com/repos/OWNER/REPO/releases/ID/assets{?name,label} */
static char *upload_url(struct registry *registry, const char *version, const char *name, struct error *error)
{
	AUTO_GHR_PAGE struct ghr_page page = {0};
	AUTO_BUF struct buf url = {0};

	if (find_release(registry, version, &page, error))
		return NULL;
	const char *template = json_string(page.items->child, "upload_url");
	if (!template) {
		error_set(error, ERROR_REGISTRY, "GitHub does not tell where %s takes assets", version);
		return NULL;
	}
	buf_add(&url, template, strcspn(template, "{?"));
	buf_puts(&url, "?name=");
	url_add_encoded(&url, name, "");
	return buf_steal(&url);
}

/* True when the asset was there already: a retry after a lost answer finds what it has uploaded itself. */
static bool is_there(const struct http_response *response)
{
	struct error ignored;
	AUTO_JSON cJSON *answer = json_parse(buf_text(&response->body), response->body.length, &ignored);
	const cJSON *problem;

	cJSON_ArrayForEach(problem, json_get(answer, "errors")) if (str_equal(json_string(problem, "code"), "already_exists")) return true;
	return false;
}

static int judge_upload(const struct ghr_api *api, const struct http_response *response, struct error *error)
{
	AUTO_FREE char *message = github_message(response);

	switch (response->status) {
	case 201:
		return 0;
	case 422:
		if (is_there(response))
			return 0;
		__attribute__((fallthrough));
	case 401:
	case 403:
	case 404:
		log_debug("GitHub takes no audit record", "message", message);
		return 1;
	default:
		return ghr_api_refuse(api, "the audit record", response, error);
	}
}

/* https://docs.github.com/rest/releases/assets#upload-a-release-asset */
static int report(struct registry *registry, const char *version, const char *name, const char *text, struct error *error)
{
	static const char *const headers[] = {"Accept: application/vnd.github+json", "Content-Type: text/plain", NULL};
	AUTO_RESPONSE struct http_response response = {0};
	const struct ghr_api *api = open_api(registry, error);

	if (!api)
		return -1;
	if (!api->credential.authorization)
		return 1; /* nobody uploads without a token */
	AUTO_FREE char *url = upload_url(registry, version, name, error);
	const struct http_request request = {
		.method = "POST", .url = url, .headers = headers, .body = text, .body_length = strlen(text), .limit = ANSWER_LIMIT};
	if (!url || ghr_api_ask(registry->own, &request, &response, error))
		return -1;
	return judge_upload(api, &response, error);
}

static const char *const no_parameters[] = {NULL};

const struct registry_ops ghr_registry = {
	.scheme = "ghr",
	.parameters = no_parameters,
	.check = check,
	.list = list,
	.artifacts = artifacts,
	.fetch = fetch,
	.report = report,
	.close = close_api,
};
