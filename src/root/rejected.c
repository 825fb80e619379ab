/* SPDX-License-Identifier: MIT */
#include "root/rejected.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "fs.h"
#include "str.h"
#include "time.h"

#include <string.h>

enum { LIMIT = 1 << 20, MOST = 200 };

#define NAME "rejected.json"

cJSON *rejected_read(const struct root *root, struct error *error)
{
	AUTO_BUF struct buf text = {0};
	int result = root->state < 0 ? 1 : fs_read_file(root->state, NAME, LIMIT, &text, error);

	if (result > 0)
		return xrequire(cJSON_CreateArray());
	AUTO_JSON cJSON *file = result == 0 ? json_parse(buf_text(&text), text.length, error) : NULL;
	cJSON *versions = file ? cJSON_DetachItemFromObjectCaseSensitive(file, "versions") : NULL;
	if (cJSON_IsArray(versions))
		return versions;
	cJSON_Delete(versions);
	if (result == 0)
		error_set(error, ERROR_FILESYSTEM, "%s/.dewy/" NAME " is damaged", root->path);
	error_hint(error, "remove the file: it only holds the versions that are not to be deployed again");
	return NULL;
}

/* Takes versions over. */
static int write_versions(const struct root *root, cJSON *versions, struct error *error)
{
	AUTO_JSON cJSON *file = xrequire(cJSON_CreateObject());

	json_set(file, "versions", versions);
	AUTO_FREE char *text = json_print(file);
	return fs_write_file(root->state, NAME, 0644, text, strlen(text), error);
}

/* Removes the entries for a version. Returns how many there were. */
static int drop(cJSON *versions, const char *version)
{
	int dropped = 0;

	for (int i = cJSON_GetArraySize(versions) - 1; i >= 0; i--) {
		if (!str_equal(json_string(cJSON_GetArrayItem(versions, i), "version"), version))
			continue;
		cJSON_DeleteItemFromArray(versions, i);
		dropped++;
	}
	return dropped;
}

/* As rejected_accept. Returns how many entries changed. */
static int accept_version(cJSON *versions, const char *version)
{
	int changed = drop(versions, version);
	cJSON *entry;

	cJSON_ArrayForEach(entry, versions)
	{
		if (!json_string(entry, "above"))
			continue;
		json_set_string(entry, "above", version);
		changed++;
	}
	return changed;
}

/* Appends an entry in place of one for the same version. */
static void add_entry(cJSON *versions, const char *version, const char *above, const char *reason)
{
	cJSON *entry = xrequire(cJSON_CreateObject());
	char now[TIME_TEXT];

	drop(versions, version);
	while (cJSON_GetArraySize(versions) >= MOST)
		cJSON_DeleteItemFromArray(versions, 0);
	json_set_string(entry, "version", version);
	json_set_string(entry, "above", above);
	json_set_string(entry, "reason", reason);
	json_set_string(entry, "at", time_format((time_t)(time_now() / 1000), now));
	cJSON_AddItemToArray(versions, entry);
}

int rejected_add(const struct root *root, const char *version, const char *reason, struct error *error)
{
	cJSON *versions = rejected_read(root, error);

	if (!versions)
		return -1;
	add_entry(versions, version, NULL, reason);
	return write_versions(root, versions, error);
}

int rejected_hold(const struct root *root, const char *chosen, const char *ran, const char *reason, struct error *error)
{
	cJSON *versions = rejected_read(root, error);

	if (!versions)
		return -1;
	accept_version(versions, chosen);
	add_entry(versions, ran, chosen, reason);
	return write_versions(root, versions, error);
}

int rejected_accept(const struct root *root, const char *version, struct error *error)
{
	cJSON *versions = rejected_read(root, error);

	if (!versions)
		return -1;
	if (accept_version(versions, version))
		return write_versions(root, versions, error);
	cJSON_Delete(versions);
	return 0;
}
