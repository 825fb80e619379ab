/* SPDX-License-Identifier: MIT */
#include "root/floor.h"

#include "alloc.h"
#include "error.h"
#include "fs.h"
#include "log.h"
#include "root/state.h"
#include "time.h"
#include "version.h"

enum { LIMIT = 65536 };

#define NAME "floor.json"

cJSON *floor_read(const struct root *root, struct error *error)
{
	AUTO_JSON cJSON *floor = NULL;
	int result = state_load(root, NAME, LIMIT, &floor, error);
	time_t at;

	if (result > 0)
		return xrequire(cJSON_CreateObject());
	if (json_string(floor, "version") && json_string(floor, "at") && time_parse(json_string(floor, "at"), &at) == 0)
		return steal_pointer(&floor);
	if (result == 0)
		state_is_damaged(root, NAME, error);
	error_hint(error, "see in dewy history what ran here, and remove the file: it only holds the version below which "
			  "--no-downgrade refuses to go");
	return NULL;
}

/* True when the document tells a version that the floor is to be raised to. */
static bool is_raised_by(const cJSON *floor, const cJSON *document, bool is_signed)
{
	const char *calver = json_string(document, "release.calver"), *version = json_string(document, "release.version");
	const char *before = json_string(floor, "version");
	struct version raised, present;
	struct error error;

	if (version_check_format(calver, &error) || !version || !version_parse(&raised, calver, version))
		return false;
	if (!before || !version_parse(&present, calver, before))
		return true;
	int order = version_compare(&raised, &present);
	return order > 0 || (order == 0 && is_signed && !json_true(floor, "signed"));
}

static int raise_floor(const struct root *root, const cJSON *document, struct error *error)
{
	AUTO_JSON cJSON *floor = floor_read(root, error);
	bool is_signed = cJSON_GetArraySize(json_get(document, "fetch.signatures")) > 0;
	char now[TIME_TEXT];

	if (!floor)
		return -1;
	if (!is_raised_by(floor, document, is_signed))
		return 0;
	json_set_string(floor, "version", json_string(document, "release.version"));
	json_set_string(floor, "at", time_format((time_t)(time_now() / 1000), now));
	json_set_bool(floor, "signed", is_signed);
	return state_write(root, NAME, floor, error);
}

void floor_raise(const struct root *root, const cJSON *document)
{
	struct error error;

	if (raise_floor(root, document, &error))
		log_warn("Cannot remember the version for --no-downgrade", "version", json_string(document, "release.version"),
			 "error", error.message, "hint", error.hint);
}

int floor_forget(const struct root *root, cJSON **ret_forgotten, struct error *error)
{
	*ret_forgotten = floor_read(root, error);
	if (!*ret_forgotten)
		return -1;
	return root->state < 0 ? 0 : fs_remove(root->state, NAME, error);
}
