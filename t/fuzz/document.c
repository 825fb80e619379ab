/* SPDX-License-Identifier: MIT */
/* The document as a stage reads it: what is accepted is printed as it was, whichever stage asks, fails or tells of it. */
#include "fuzz.h"

#include "document.h"
#include "error.h"
#include "options.h"
#include "root/history.h"
#include "root/history_line.h"
#include "str.h"

#include <string.h>

/* Returns what the document is printed as, which is the same when that is read again. The caller frees it. */
static char *print_twice(const cJSON *document)
{
	struct error error;
	char *text = json_print(document);
	AUTO_JSON cJSON *again = document_parse(text, strlen(text), &error);

	FUZZ_HOLDS(again != NULL);
	for (const char *at = text; *at; at++)
		FUZZ_HOLDS(!str_control(at));
	AUTO_FREE char *second = json_print(again);
	FUZZ_HOLDS(str_equal(text, second));
	return text;
}

static void ask(const cJSON *document)
{
	static const unsigned users[] = {CHECK, FETCH, DEPLOY, RESTART, NOTIFY};
	static const char *const sections[] = {"check", "fetch", "deploy", "restart"};
	long long start, end;
	struct error error;

	for (size_t i = 0; i < sizeof users / sizeof *users; i++)
		FUZZ_HOLDS(document_require(document, users[i], &error) == 0 || error.code == ERROR_DOCUMENT);
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
		FUZZ_HOLDS(document_times(json_get(document, sections[i]), &start, &end) || (start >= 0 && end >= start));
	document_spent(document);
	int status = document_status(document);
	FUZZ_HOLDS(status >= 0 && status <= 6);
}

/* What the history has of it fits into a line. */
static void record(const cJSON *document)
{
	AUTO_JSON cJSON *line = history_line(fuzz_root(), document);
	AUTO_FREE char *text = json_print(line);

	FUZZ_HOLDS(strlen(text) < HISTORY_LINE && !strchr(text, '\n'));
}

static void fail(cJSON *document)
{
	struct error error;

	error_set(&error, ERROR_APPLICATION, "the release %s is no good", json_string(document, "release.version"));
	document_fail(document, "restart", &error);
	FUZZ_HOLDS(document_state(document) == STATE_FAILED && document_status(document) == error_status(ERROR_APPLICATION));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct error error;
	AUTO_JSON cJSON *document = document_parse((const char *)bytes, length, &error);

	if (!document) {
		FUZZ_HOLDS(error.code == ERROR_DOCUMENT && !strchr(error.message, '\n'));
		return 0;
	}
	AUTO_FREE char *text = print_twice(document);
	ask(document);
	record(document);
	fail(document);
	AUTO_FREE char *failed = print_twice(document);
	document_renew(document);
	return 0;
}
