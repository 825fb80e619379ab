/* SPDX-License-Identifier: MIT */
#include "document.h"

#include "alloc.h"
#include "error.h"
#include "options.h"
#include "redact.h"
#include "root/root.h"
#include "str.h"
#include "time.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { FORMAT_VERSION = 1 };

enum member_type { STRING, NUMBER, BOOLEAN, TIME, OBJECT, HOOKS, NOTICES, SIGNATURES, STRINGS };

static const struct member {
	const char *path;
	enum member_type type;
	unsigned required_by;
} members[] = {
#define MEMBER(path, type, written_by, required_by, meaning) {path, type, required_by},
#include "document.def"
#undef MEMBER
};

static const char *const states[] = {
	[STATE_UNCHANGED] = "unchanged", [STATE_WAITING] = "waiting",         [STATE_AVAILABLE] = "available",
	[STATE_FETCHED] = "fetched",     [STATE_DEPLOYED] = "deployed",       [STATE_RUNNING] = "running",
	[STATE_FAILED] = "failed",       [STATE_ROLLED_BACK] = "rolled_back",
};

static const char sent_to[] = "sent_to"; /* of a notice: the names of the channels that it has reached */

static int state_from_word(const char *word)
{
	for (size_t i = 0; word && i < sizeof states / sizeof *states; i++)
		if (str_equal(states[i], word))
			return (int)i;
	return -1;
}

/* Returns NULL when the item is of the type, else the name of the type. */
static const char *type_mismatch(const cJSON *item, enum member_type type)
{
	time_t when;

	switch (type) {
	case STRING:
		return cJSON_IsString(item) ? NULL : "a text";
	case NUMBER:
		return cJSON_IsNumber(item) && isfinite(item->valuedouble) ? NULL : "a number"; /* 1e999 would be printed as null */
	case BOOLEAN:
		return cJSON_IsBool(item) ? NULL : "true or false";
	case TIME:
		return cJSON_IsString(item) && time_parse(item->valuestring, &when) == 0 ? NULL
											 : "a time such as 2024-01-15T10:28:00Z";
	case OBJECT:
		return cJSON_IsObject(item) ? NULL : "an object";
	case HOOKS:
	case NOTICES:
	case SIGNATURES:
	case STRINGS:
		return cJSON_IsArray(item) ? NULL : "an array";
	}
	return NULL;
}

/* Every poll does this twice, so what is in an object, which follows it in the list, is looked up there, and not at all when the
 * object is missing. */
static int check_types(const cJSON *document, struct error *error)
{
	const cJSON *object = NULL;

	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		const char *dot = strchr(members[i].path, '.');
		const cJSON *item = json_get(dot ? object : document, dot ? dot + 1 : members[i].path);
		object = dot ? object : item;
		const char *expected = item ? type_mismatch(item, members[i].type) : NULL;
		if (expected)
			return error_set(error, ERROR_DOCUMENT, "the member %s of the document must be %s", members[i].path,
					 expected);
	}
	return 0;
}

/* What a document may not smuggle into a path. */
static int check_names(const cJSON *document, struct error *error)
{
	static const char *const names[] = {"artifact.name", "artifact.cache_key", "previous.cache_key", NULL};

	for (const char *const *path = names; *path; path++) {
		const char *name = json_string(document, *path);
		if (name && !str_is_file_name(name))
			return error_set(error, ERROR_DOCUMENT, "the member %s of the document is no plain file name", *path);
	}
	return 0;
}

/* What is told of releases is where releases are: commands are told these paths. */
static int check_paths(const cJSON *document, struct error *error)
{
	static const char *const paths[] = {"previous.path", "deploy.path", NULL};
	AUTO_FREE char *releases = xasprintf("%s/releases/", json_string(document, "root"));

	for (const char *const *path = paths; *path; path++) {
		const char *given = json_string(document, *path);
		if (given && !(str_starts(given, releases) && str_is_file_name(given + strlen(releases))))
			return error_set(error, ERROR_DOCUMENT, "the member %s of the document is not in %s", *path, releases);
	}
	return 0;
}

static int check_document(const cJSON *document, struct error *error)
{
	const char *state = json_string(document, "state"), *mode = json_string(document, "mode");
	long long version = json_number(document, "dewy", 0);

	if (!cJSON_IsObject(document))
		return error_set(error, ERROR_DOCUMENT, "the document is no JSON object");
	if (version != FORMAT_VERSION) {
		error_set(error, ERROR_DOCUMENT, "the document has format version %lld, and this is for version %d", version,
			  FORMAT_VERSION);
		return error_hint(error, "use stages of one release of dewy together");
	}
	if (check_types(document, error) || document_require(document, ANY, error) || check_names(document, error) ||
	    check_paths(document, error))
		return -1;
	if (state_from_word(state) < 0)
		return error_set(error, ERROR_DOCUMENT, "the document has the unknown state %s", state);
	if (!str_equal(mode, "server") && !str_equal(mode, "assets"))
		return error_set(error, ERROR_DOCUMENT, "the document has the unknown mode %s", mode);
	return 0;
}

cJSON *document_parse(const char *text, size_t length, struct error *error)
{
	AUTO_JSON cJSON *document = json_parse(text, length, error);

	if (!document || check_document(document, error))
		return NULL;
	return steal_pointer(&document);
}

int document_require(const cJSON *document, unsigned user, struct error *error)
{
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if ((members[i].required_by & user) == user && !json_get(document, members[i].path))
			return error_set(error, ERROR_DOCUMENT, "the document lacks the member %s", members[i].path);
	return 0;
}

/* Returns 20240115T103044Z-7f3a91: when, and a random part. */
static const char *new_id(char id[TIME_TEXT + 8])
{
	char stamp[TIME_TEXT];
	unsigned char random[3] = {0};

	(void)!getrandom(random, sizeof random, GRND_NONBLOCK); /* an early boot may have none: the time still tells runs apart */
	time_stamp((time_t)(time_now() / 1000), stamp);
	snprintf(id, TIME_TEXT + 8, "%.16s-%02x%02x%02x", stamp, random[0], random[1], random[2]);
	return id;
}

cJSON *document_new(const struct root *root, const char *app, const char *mode)
{
	cJSON *document = xrequire(cJSON_CreateObject());
	char id[TIME_TEXT + 8], host[256] = "localhost";

	gethostname(host, sizeof host - 1);
	json_set_number(document, "dewy", FORMAT_VERSION);
	json_set_string(document, "id", new_id(id));
	json_set_string(document, "app", app ? app : strrchr(root->path, '/') + 1);
	json_set_string(document, "host", host);
	json_set_string(document, "root", root->path);
	json_set_string(document, "mode", mode);
	return document;
}

void document_renew(cJSON *document)
{
	static const char *const past[] = {
		"check",        "fetch",        "restart",      "error",             "notices",           "report",
		"deploy.hooks", "deploy.files", "deploy.bytes", "deploy.started_at", "deploy.duration_ms"};
	char id[TIME_TEXT + 8];

	json_set_string(document, "id", new_id(id));
	for (size_t i = 0; i < sizeof past / sizeof *past; i++)
		json_set_string(document, past[i], NULL);
}

enum state document_state(const cJSON *document)
{
	int state = state_from_word(json_string(document, "state"));

	return state < 0 ? STATE_FAILED : (enum state)state;
}

void document_set_state(cJSON *document, enum state state, const char *reason)
{
	json_set_string(document, "state", states[state]);
	if (reason)
		json_set_string(document, "reason", reason);
}

void document_fail(cJSON *document, const char *stage, const struct error *error)
{
	document_set_state(document, STATE_FAILED, NULL);
	json_set_string(document, "error.stage", stage);
	json_set_string(document, "error.code", error_word(error->code));
	json_set_string(document, "error.message", error->message);
	json_set_string(document, "error.hint", error->hint);
	document_notice(document, stage, NOTICE_ERROR, "%s", error->message);
}

int document_times(const cJSON *section, long long *ret_start, long long *ret_end)
{
	const long long most = LLONG_MAX / 1000000;
	const char *text = json_string(section, "started_at");
	long long took = json_number(section, "duration_ms", -1);

	if (!text || took < 0 || time_parse_ms(text, ret_start) || *ret_start < 0 || *ret_start > most || took > most - *ret_start)
		return -1;
	*ret_end = *ret_start + took;
	return 0;
}

long long document_spent(const cJSON *document)
{
	static const char *const durations[] = {"check.duration_ms", "fetch.duration_ms", "deploy.duration_ms",
						"restart.duration_ms"};
	long long spent = 0;

	for (size_t i = 0; i < sizeof durations / sizeof *durations; i++)
		spent += json_number(document, durations[i], 0);
	return spent;
}

int document_status(const cJSON *document)
{
	const char *code = json_string(document, "error.code");

	switch (document_state(document)) {
	case STATE_FAILED:
		return error_status(code ? error_from_word(code) : ERROR_INTERNAL);
	case STATE_ROLLED_BACK:
		return error_status(ERROR_APPLICATION);
	default:
		return 0;
	}
}

bool document_was_sent(const cJSON *notice, const char *name)
{
	const cJSON *taker;

	cJSON_ArrayForEach(taker, json_get(notice, sent_to))
	{
		if (str_equal(cJSON_GetStringValue(taker), name))
			return true;
	}
	return false;
}

void document_add_sent(cJSON *notice, const char *name)
{
	cJSON *takers = json_get(notice, sent_to);

	if (document_was_sent(notice, name))
		return;
	if (!cJSON_IsArray(takers)) {
		takers = xrequire(cJSON_CreateArray());
		json_set(notice, sent_to, takers);
	}
	cJSON_AddItemToArray(takers, xrequire(cJSON_CreateString(name)));
}

void document_notice(cJSON *document, const char *stage, const char *kind, const char *format, ...)
{
	cJSON *notices = json_get(document, "notices"), *notice = xrequire(cJSON_CreateObject());
	AUTO_BUF struct buf text = {0}, clean = {0};
	char now[TIME_TEXT];
	va_list arguments;

	va_start(arguments, format);
	buf_vprintf(&text, format, arguments);
	va_end(arguments);
	json_set_string(notice, "time", time_format((time_t)(time_now() / 1000), now));
	json_set_string(notice, "stage", stage);
	json_set_string(notice, "kind", kind);
	json_set_string(notice, "text", redact(buf_text(&text), &clean));
	json_set_bool(notice, "sent", false);
	if (!notices) {
		notices = xrequire(cJSON_CreateArray());
		json_set(document, "notices", notices);
	}
	cJSON_AddItemToArray(notices, notice);
}
