/* SPDX-License-Identifier: MIT */
#include "json.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "str.h"

#include <string.h>

cJSON *json_parse(const char *text, size_t length, struct error *error)
{
	const char *end = NULL;
	cJSON *json = cJSON_ParseWithLengthOpts(text, length, &end, false);

	if (!json) {
		error_set(error, ERROR_DOCUMENT, "not JSON: stopped at byte %td of %zu", end ? end - text : 0, length);
		return NULL;
	}
	while (end < text + length && *end && strchr(" \t\r\n", *end))
		end++;
	if (end < text + length) {
		error_set(error, ERROR_DOCUMENT, "not one JSON value: more follows it at byte %td", end - text);
		cJSON_Delete(json);
		return NULL;
	}
	return json;
}

/* Returns the member whose name is the first length bytes of name, or NULL. A poll makes hundreds of these look-ups. */
static cJSON *find_member(const cJSON *object, const char *name, size_t length)
{
	cJSON *item = object ? object->child : NULL;

	for (; item; item = item->next)
		if (item->string && item->string[0] == name[0] && strncmp(item->string, name, length) == 0 && !item->string[length])
			break;
	return item;
}

cJSON *json_get(const cJSON *json, const char *path)
{
	const char *dot;

	for (; json && (dot = strchr(path, '.')); path = dot + 1)
		json = find_member(json, path, (size_t)(dot - path));
	return find_member(json, path, strlen(path));
}

const char *json_string(const cJSON *json, const char *path)
{
	return cJSON_GetStringValue(json_get(json, path));
}

long long json_number(const cJSON *json, const char *path, long long fallback)
{
	const cJSON *item = json_get(json, path);

	double most = 9007199254740992.0; /* 2^53: beyond it a double skips whole numbers */

	if (!cJSON_IsNumber(item) || !(item->valuedouble >= -most && item->valuedouble <= most))
		return fallback;
	long long number = (long long)item->valuedouble;
	double whole = (double)number; /* exact: it came from a double */
	return whole < item->valuedouble || whole > item->valuedouble ? fallback : number;
}

bool json_true(const cJSON *json, const char *path)
{
	return cJSON_IsTrue(json_get(json, path));
}

void json_set(cJSON *json, const char *path, cJSON *item)
{
	const char *dot = strchr(path, '.');

	if (dot) {
		cJSON *object = find_member(json, path, (size_t)(dot - path));
		if (!cJSON_IsObject(object)) {
			AUTO_FREE char *name = xstrndup(path, (size_t)(dot - path));
			object = xrequire(cJSON_CreateObject());
			json_set(json, name, object);
		}
		json_set(object, dot + 1, item);
	} else if (find_member(json, path, strlen(path))) {
		cJSON_ReplaceItemInObjectCaseSensitive(json, path, xrequire(item));
	} else {
		cJSON_AddItemToObject(json, path, xrequire(item));
	}
}

void json_set_string(cJSON *json, const char *path, const char *text)
{
	if (text) {
		json_set(json, path, cJSON_CreateString(text));
		return;
	}
	const char *dot = strrchr(path, '.');
	AUTO_FREE char *parent = dot ? xstrndup(path, (size_t)(dot - path)) : NULL;
	cJSON *object = parent ? json_get(json, parent) : json, *item;
	while ((item = cJSON_DetachItemFromObjectCaseSensitive(object, dot ? dot + 1 : path)))
		cJSON_Delete(item);
}

void json_set_number(cJSON *json, const char *path, long long number)
{
	json_set(json, path, cJSON_CreateNumber((double)number));
}

void json_set_bool(cJSON *json, const char *path, bool value)
{
	json_set(json, path, cJSON_CreateBool(value));
}

/* True for most bytes, at the cost of next to nothing. */
static bool is_plain(char byte)
{
	return byte >= ' ' && byte < 127;
}

char *json_print(const cJSON *json)
{
	AUTO_FREE char *text = xrequire(cJSON_PrintUnformatted(json));
	AUTO_BUF struct buf escaped = {0};

	/* cJSON escapes what JSON has to have escaped. All that is left is in strings. */
	for (const char *at = text, *next; *at; at = next) {
		for (next = at; is_plain(*next) || (*next && !str_control(next));)
			next++;
		buf_add(&escaped, at, (size_t)(next - at));
		if (*next)
			buf_printf(&escaped, "\\u%04x", str_control(next));
		next += *next ? str_utf8_length(next) : 0;
	}
	return buf_steal(&escaped);
}
