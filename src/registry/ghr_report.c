/* SPDX-License-Identifier: MIT */
#include "registry/ghr.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "log.h"
#include "str.h"

#include <string.h>

enum { ANSWER_LIMIT = 1 << 20 };

/* Returns where the release takes assets, which the caller frees, or NULL. It comes as a template (RFC 6570):
 * https://uploads.github.com/repos/OWNER/REPO/releases/ID/assets{?name,label} */
static char *upload_url(struct registry *registry, const char *version, const char *name, struct error *error)
{
	AUTO_GHR_PAGE struct ghr_page page = {0};
	AUTO_BUF struct buf url = {0};

	if (ghr_find_release(registry, version, &page, error))
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

/* True when an asset of that name was there already: a retry finds what it has uploaded itself before the answer was lost. */
static bool is_there(const struct http_response *response)
{
	struct error ignored;
	AUTO_JSON cJSON *answer = json_parse(buf_text(&response->body), response->body.length, &ignored);
	const cJSON *problem;

	cJSON_ArrayForEach(problem, json_get(answer, "errors"))
	{
		if (str_equal(json_string(problem, "code"), "already_exists"))
			return true;
	}
	return false;
}

/* The asset that is looked for. */
struct record {
	const char *name;
	bool uploaded;
};

static int look_for_record(const struct ghr_page *page, void *context, struct error *error)
{
	struct record *record = context;
	const cJSON *asset;

	(void)error;
	cJSON_ArrayForEach(asset, page->items)
	{
		if (str_equal(json_string(asset, "name"), record->name))
			record->uploaded = ghr_is_uploaded(asset);
	}
	return 0;
}

/* An upload that broke off within GitHub leaves an asset, too. Returns 0 when it is whole, or -1. */
static int confirm_upload(struct registry *registry, const char *version, const char *name, struct error *error)
{
	AUTO_RELEASE struct release release = {.version = xstrdup(version)};
	struct record record = {.name = name};

	if (ghr_complete_release(registry, &release, error) ||
	    ghr_walk_assets(registry, &release, look_for_record, &record, error))
		return -1;
	if (record.uploaded)
		return 0;
	error_set(error, ERROR_REGISTRY, "the upload of %s broke off within GitHub", name);
	return error_hint(error, "delete that asset of the release, which is empty");
}

static int judge_upload(const struct ghr_api *api, const struct http_response *response, struct error *error)
{
	AUTO_FREE char *message = github_message(response);

	switch (response->status) {
	case 201:
		return 0;
	case 401:
	case 403:
	case 404:
	case 422:
		log_debug("GitHub takes no audit record", "message", message);
		return 1;
	default:
		return ghr_api_refuse(api, "the audit record", response, error);
	}
}

/* https://docs.github.com/rest/releases/assets#upload-a-release-asset */
int ghr_report(struct registry *registry, const char *version, const char *name, const char *text, struct error *error)
{
	static const char *const headers[] = {"Accept: application/vnd.github+json", "Content-Type: text/plain", NULL};
	AUTO_RESPONSE struct http_response response = {0};
	const struct ghr_api *api = ghr_open(registry, error);

	if (!api)
		return -1;
	if (!api->credential.authorization)
		return 1; /* nobody uploads without a token */
	AUTO_FREE char *url = upload_url(registry, version, name, error);
	const struct http_request request = {
		.method = "POST", .url = url, .headers = headers, .body = text, .body_length = strlen(text), .limit = ANSWER_LIMIT};
	if (!url || ghr_api_ask(registry->own, &request, &response, error))
		return -1;
	if (response.status == 422 && is_there(&response))
		return confirm_upload(registry, version, name, error);
	return judge_upload(api, &response, error);
}
