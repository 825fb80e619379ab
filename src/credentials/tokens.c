/* SPDX-License-Identifier: MIT */
#include "credentials/tokens.h"

#include "alloc.h"
#include "error.h"
#include "log.h"
#include "root/state.h"
#include "seal.h"
#include "time.h"

enum { GOOD_SECONDS = 300 }; /* what a token must still be good for, so that it lasts for a run */

static const char file[] = "tokens.json";

/* Reads the time that a kept token expires at; one that is damaged has expired. */
static time_t expiry(const cJSON *entry)
{
	const char *text = json_string(entry, "expires_at");
	time_t when;

	return text && time_parse(text, &when) == 0 ? when : 0;
}

static void drop_expired(cJSON *tokens)
{
	time_t now = time_now() / 1000;

	for (cJSON *entry = tokens->child, *next; entry; entry = next) {
		next = entry->next;
		if (expiry(entry) <= now)
			cJSON_Delete(cJSON_DetachItemViaPointer(tokens, entry));
	}
}

static void write_tokens(const struct root *root, cJSON *tokens)
{
	struct error error;

	drop_expired(tokens);
	if (state_write_private(root, file, tokens, &error))
		log_debug("Cannot keep an access token", "error", error.message);
}

static bool is_good(time_t expires_at)
{
	return expires_at >= time_now() / 1000 + GOOD_SECONDS;
}

char *tokens_find(const struct root *root, const char *name, const char *credential)
{
	AUTO_JSON cJSON *tokens = state_read(root, file);
	const cJSON *entry = cJSON_GetObjectItemCaseSensitive(tokens, name);
	const char *sealed = json_string(entry, "sealed");

	return sealed && is_good(expiry(entry)) ? unseal(sealed, credential) : NULL;
}

void tokens_keep(const struct root *root, const char *name, const char *credential, const char *token, time_t expires_at)
{
	if (!is_good(expires_at))
		return;
	AUTO_JSON cJSON *tokens = state_read(root, file);
	AUTO_FREE char *sealed = seal(token, credential);
	cJSON *entry = xrequire(cJSON_CreateObject());
	char text[TIME_TEXT];

	json_set_string(entry, "expires_at", time_format(expires_at, text));
	json_set_string(entry, "sealed", sealed);
	cJSON_DeleteItemFromObjectCaseSensitive(tokens, name); /* a name may have dots in it: it is no path */
	cJSON_AddItemToObject(tokens, name, entry);
	write_tokens(root, tokens);
}

void tokens_forget(const struct root *root, const char *name)
{
	AUTO_JSON cJSON *tokens = state_read(root, file);

	if (!cJSON_GetObjectItemCaseSensitive(tokens, name))
		return;
	cJSON_DeleteItemFromObjectCaseSensitive(tokens, name);
	write_tokens(root, tokens);
}
