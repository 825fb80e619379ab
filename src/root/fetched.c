/* SPDX-License-Identifier: MIT */
#include "root/fetched.h"

#include "error.h"
#include "log.h"
#include "root/release.h"
#include "root/state.h"
#include "str.h"

#include <stdio.h>

#define NAME "fetched.json"

static bool recall_from(const cJSON *memory, const cJSON *document, char ret_digest[DIGEST_TEXT])
{
	const char *revision = json_string(document, "artifact.revision"), *digest = json_string(memory, "artifact.digest");

	if (!revision || !digest || !str_equal(json_string(memory, "artifact.revision"), revision) ||
	    !str_equal(json_string(memory, "artifact.cache_key"), json_string(document, "artifact.cache_key")))
		return false;
	snprintf(ret_digest, DIGEST_TEXT, "%s", digest);
	return true;
}

bool fetched_recall(const struct root *root, const cJSON *document, char ret_digest[DIGEST_TEXT])
{
	char current[RELEASE_NAME];
	struct error unread;
	AUTO_JSON cJSON *last = state_read(root, NAME);

	if (recall_from(last, document, ret_digest))
		return true;
	AUTO_JSON cJSON *record = release_current(root, current, &unread) == 0 ? release_record(root, current) : NULL;
	return recall_from(record, document, ret_digest);
}

void fetched_remember(const struct root *root, const cJSON *document, const char *digest)
{
	AUTO_JSON cJSON *last = cJSON_CreateObject();
	struct error error;

	json_set_string(last, "artifact.cache_key", json_string(document, "artifact.cache_key"));
	json_set_string(last, "artifact.revision", json_string(document, "artifact.revision"));
	json_set_string(last, "artifact.digest", digest);
	if (state_write_passing(root, NAME, last, &error))
		log_warn("Cannot remember which upload was downloaded", "error", error.message);
}
