/* SPDX-License-Identifier: MIT */
#include "check/stale.h"

#include "buf.h"
#include "document.h"
#include "error.h"
#include "log.h"
#include "root/state.h"
#include "str.h"
#include "time.h"

#include <string.h>

/* Returns since when nothing newer is known to have been there, 0 when nothing tells. A time of publication that is forged or in
 * the future counts no longer once the release, or a newer one, is deployed. */
static time_t appeared(const struct release *release, bool is_news, const cJSON *document)
{
	const char *path = json_string(document, "previous.path"), *slash = path ? strrchr(path, '/') : NULL;
	time_t deployed;

	if (is_news || !slash || time_parse_stamp(slash + 1, &deployed))
		return release->published_at;
	return !release->published_at || deployed < release->published_at ? deployed : release->published_at;
}

/* Tells people. Nobody is told what cannot be remembered to have been told. */
static void tell(const struct root *root, const char *version, const char *since, cJSON *document)
{
	AUTO_JSON cJSON *told = state_read(root, STATE_STALE);
	struct error error;
	char now[TIME_TEXT];

	if (root->state < 0 || str_equal(json_string(told, "version"), version))
		return;
	json_set_string(told, "version", version);
	json_set_string(told, "since", since);
	json_set_string(told, "at", time_format((time_t)(time_now() / 1000), now));
	if (state_write(root, STATE_STALE, told, &error)) {
		log_warn("Cannot remember that the registry is stale", "error", error.message, "hint", error.hint);
		return;
	}
	log_warn("No newer release has appeared", "version", version, "since", since, "hint",
		 "see whether releases are published, and whether something keeps them from this machine");
	document_notice(document, "check", NOTICE_IMPORTANT, "No release newer than %s has appeared since %s", version, since);
}

void stale_look(const struct root *root, long long after_ms, const struct release *release, bool is_news, cJSON *document)
{
	time_t since = appeared(release, is_news, document);
	char text[TIME_TEXT];

	if (!since || time_now() - (long long)since * 1000 < after_ms)
		return;
	json_set_bool(document, "check.stale", true);
	tell(root, release->version, time_format(since, text), document);
}
