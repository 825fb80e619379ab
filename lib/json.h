/* SPDX-License-Identifier: MIT */
/* JSON (RFC 8259) by cJSON, with members addressed by dotted paths such as "release.version". */
#ifndef DEWY_JSON_H
#define DEWY_JSON_H

#include "cleanup.h"

#include <cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct error;

static inline void cleanup_json(cJSON **json)
{
	cJSON_Delete(*json);
}

#define AUTO_JSON AUTO(cleanup_json)

/* Parses length bytes that hold one JSON value and nothing else but white space. Returns the value, which the caller
 * deletes, or NULL with ERROR_DOCUMENT. */
cJSON *json_parse(const char *text, size_t length, struct error *error);

/* Returns the member at path, or NULL. */
cJSON *json_get(const cJSON *json, const char *path);

/* Returns the text at path, or NULL when it is missing or no text. It belongs to json. */
const char *json_string(const cJSON *json, const char *path);

/* Returns the whole number at path, or fallback when it is missing or no whole number. */
long long json_number(const cJSON *json, const char *path, long long fallback);

/* True when the member at path is the literal true. */
bool json_true(const cJSON *json, const char *path);

/* The setters create the objects on the way, and replace what was there. A NULL text removes the member,
 * however often it is there. json_set takes item over. */
void json_set(cJSON *json, const char *path, cJSON *item);
void json_set_string(cJSON *json, const char *path, const char *text);
void json_set_number(cJSON *json, const char *path, long long number);
void json_set_bool(cJSON *json, const char *path, bool value);

/* Returns the text of json on one line, without a newline and any other control character; the caller
 * frees it. */
char *json_print(const cJSON *json);

#endif
