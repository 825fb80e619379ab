/* SPDX-License-Identifier: MIT */
#include "root/history_line.h"

#include "alloc.h"
#include "document.h"
#include "root/actor.h"
#include "root/history.h"
#include "root/release.h"
#include "str.h"
#include "time.h"

#include <string.h>

enum { TEXT_LIMIT = 4096 }; /* bytes of one member */

/* Where in the document the members of a line come from. */
static const char *const copied[][2] = {
	{"id", "id"},
	{"app", "app"},
	{"mode", "mode"},
	{"state", "state"},
	{"reason", "reason"},
	{"forced", "forced"},
	{"version", "release.version"},
	{"artifact", "artifact.name"},
	{"digest", "artifact.digest"},
	{"registry", "registry"},
	{"previous", "previous.version"},
	{"kind", "restart.kind"},
	{"unit", "restart.unit"},
	{"generation", "restart.generation"},
	{"worker", "restart.pid"},
	{"error.stage", "error.stage"},
	{"error.code", "error.code"},
	{"error.message", "error.message"},
	{"error.hint", "error.hint"},
};

/* Both are part of what the stage deploy takes. */
static const char *const hooks[] = {"before-deploy", "after-deploy"};

/* Copies a text, cut where it is too long to be one, a number or a truth; nothing else is in a line. */
static void copy(cJSON *line, const char *name, const cJSON *item)
{
	if (cJSON_IsNumber(item) || cJSON_IsBool(item))
		json_set(line, name, xrequire(cJSON_Duplicate(item, false)));
	if (!cJSON_IsString(item))
		return;
	size_t length = strnlen(item->valuestring, TEXT_LIMIT);
	while (length && (item->valuestring[length] & 0xC0) == 0x80)
		length--;
	AUTO_FREE char *text = xasprintf("%.*s", (int)length, item->valuestring);
	json_set_string(line, name, text);
}

static void add_phases(cJSON *line, const cJSON *document)
{
	static const char *const stages[] = {"check", "fetch", "deploy", "restart"};
	cJSON *phases = xrequire(cJSON_CreateObject());
	const cJSON *hook;

	for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
		AUTO_FREE char *path = xasprintf("%s.duration_ms", stages[i]);
		copy(phases, stages[i], json_get(document, path));
	}
	cJSON_ArrayForEach(hook, json_get(document, "deploy.hooks"))
	{
		for (size_t i = 0; i < sizeof hooks / sizeof *hooks; i++)
			if (str_equal(json_string(hook, "name"), hooks[i]))
				copy(phases, hooks[i], json_get(hook, "duration_ms"));
	}
	json_set_number(line, "duration_ms", document_spent(document));
	json_set(line, "phases_ms", phases);
}

/* Tells the digest of what ran before, as its record has it. */
static void add_previous(cJSON *line, const struct root *root, const cJSON *document)
{
	const char *path = json_string(document, "previous.path"), *name = path ? strrchr(path, '/') : NULL;
	AUTO_JSON cJSON *record = name && release_is_name(name + 1) ? release_record(root, name + 1) : NULL;

	copy(line, "previous_digest", json_get(record, "artifact.digest"));
}

cJSON *history_line(const struct root *root, const cJSON *document)
{
	cJSON *line = xrequire(cJSON_CreateObject());
	char now[TIME_TEXT];

	json_set_string(line, "time", time_format((time_t)(time_now() / 1000), now));
	for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
		copy(line, copied[i][0], json_get(document, copied[i][1]));
	add_previous(line, root, document);
	add_phases(line, document);
	json_set(line, "who", actor_describe());
	return line;
}

cJSON *history_lines_forgotten(const struct root *root, const cJSON *entries)
{
	cJSON *lines = xrequire(cJSON_CreateArray());
	AUTO_JSON cJSON *document = document_new(root, NULL, NULL);
	const cJSON *entry;

	json_set_string(document, "state", HISTORY_FORGOTTEN);
	cJSON_ArrayForEach(entry, entries)
	{
		const char *why = json_string(entry, "reason"), *was = json_get(entry, "above") ? "was held" : "was rejected";
		AUTO_FREE char *reason = why ? xasprintf("%s at %s: %s", was, json_string(entry, "at"), why)
					     : xasprintf("was the floor since %s", json_string(entry, "at"));
		json_set_string(document, "reason", reason);
		json_set_string(document, "release.version", json_string(entry, "version"));
		json_set_string(document, "artifact.digest", json_string(entry, "digest"));
		cJSON *line = history_line(root, document);
		copy(line, "above", json_get(entry, "above"));
		cJSON_AddItemToArray(lines, line);
	}
	return lines;
}
