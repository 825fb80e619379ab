/* SPDX-License-Identifier: MIT */
#include "registry/ghr_validators.h"

#include "alloc.h"
#include "str.h"
#include "time.h"

/* New releases come to the first page; but one that is made out of an old draft or commit may come to a later one, and so does what
 * changes of the artifacts of an old release. Asking for all pages each time would make a long list as dear as a changed one. */
enum { TAIL_SECONDS = 300 };

static const cJSON *pages_of(const struct registry *registry)
{
	return json_get(registry->validators, "pages");
}

const char *ghr_validators_etag(const struct registry *registry, const char *url)
{
	const struct ghr_api *api = registry->own;
	const cJSON *first = cJSON_GetArrayItem(pages_of(registry), 0);

	if (!str_equal(json_string(registry->validators, "identity"), api->credential.identity) ||
	    !str_equal(json_string(first, "url"), url))
		return NULL;
	return json_string(first, "etag");
}

static void set_validators(struct registry *registry, cJSON *validators)
{
	cJSON_Delete(registry->validators);
	registry->validators = validators;
}

static void set_tail_time(cJSON *validators)
{
	json_set_number(validators, "tail_at", time_now() / 1000);
}

int ghr_validators_hold(struct registry *registry, const struct ghr_query *query, struct error *error)
{
	long long since = time_now() / 1000 - json_number(registry->validators, "tail_at", 0);
	const cJSON *page = cJSON_GetArrayItem(pages_of(registry), 1);

	if (!page || (since >= 0 && since < TAIL_SECONDS))
		return 1;
	for (; page; page = page->next) {
		AUTO_GHR_PAGE struct ghr_page read = {0};
		struct ghr_query again = *query;
		again.url = json_string(page, "url");
		again.etag = json_string(page, "etag");
		int result = again.url ? ghr_api_read(registry->own, &again, &read, error) : 0;
		if (result != 1)
			return result;
	}
	cJSON *validators = xrequire(cJSON_Duplicate(registry->validators, true));
	set_tail_time(validators);
	set_validators(registry, validators);
	return 1;
}

void ghr_validators_keep(struct registry *registry, cJSON *pages)
{
	const struct ghr_api *api = registry->own;
	cJSON *validators = pages ? xrequire(cJSON_CreateObject()) : NULL;

	if (pages) {
		json_set_string(validators, "identity", api->credential.identity);
		json_set(validators, "pages", pages);
		set_tail_time(validators);
	}
	set_validators(registry, validators);
}
