/* SPDX-License-Identifier: MIT */
#include "notify/report.h"

#include "alloc.h"
#include "document.h"
#include "error.h"
#include "log.h"
#include "notify/message.h"
#include "registry/registry.h"
#include "root/release.h"
#include "root/state.h"
#include "str.h"
#include "time.h"

#include <ctype.h>
#include <string.h>

static const char refused[] = "report_refused";

static bool is_due(const cJSON *document)
{
	return message_outcome(document) == OUTCOME_GOOD && document_state(document) != STATE_UNCHANGED &&
	       json_string(document, "registry") && json_string(document, "release.version") &&
	       !json_true(document, "deploy.reused") && !json_true(document, "report.sent");
}

/* Returns the name of the host in lower case, with all that a host name does not have as a dash: it becomes part of a file
 * name. */
static char *host_of(const cJSON *document)
{
	const char *given = json_string(document, "host");
	char *host = xstrdup(given && *given ? given : "localhost");

	for (char *letter = host; *letter; letter++)
		*letter = isalnum((unsigned char)*letter) || *letter == '.' ? (char)tolower((unsigned char)*letter) : '-';
	return host;
}

static char *text_of(const cJSON *document)
{
	AUTO_FREE char *host = host_of(document);
	struct timespec now;
	char stamp[TIME_TEXT];

	clock_gettime(CLOCK_REALTIME, &now);
	return xasprintf("shipped to %s %s at %s", host, json_string(document, "mode"), time_stamp_fine(&now, stamp));
}

static char *file_name_of(const char *text)
{
	char *name = xasprintf("%s.txt", text);

	for (char *space = name; (space = strchr(space, ' '));)
		*space = '_';
	return name;
}

/* Only what really runs is reported, and only where it came from: a document alone does not decide what is written where. */
static bool is_deployed(const struct root *root, const cJSON *document)
{
	char current[RELEASE_NAME];
	struct error error;
	AUTO_JSON cJSON *record = release_current(root, current, &error) == 0 ? release_record(root, current) : NULL;

	return record && str_equal(json_string(record, "registry"), json_string(document, "registry")) &&
	       str_equal(json_string(record, "release.version"), json_string(document, "release.version"));
}

/* Returns 0 when the record is written, 1 when the registry refuses it, or -1. */
static int write_record(const struct options *options, const struct root *root, const cJSON *document, struct error *error)
{
	AUTO_REGISTRY struct registry registry = {0};
	AUTO_FREE char *text = text_of(document);
	AUTO_FREE char *name = file_name_of(text);

	if (registry_open(&registry, json_string(document, "registry"), options, root, error))
		return -1;
	return registry.ops->report(&registry, json_string(document, "release.version"), name, text, error);
}

/* Remembers which registry refuses records, NULL for none, and tells whether that is news. */
static bool remember(const struct root *root, const char *registry)
{
	AUTO_JSON cJSON *state = state_read(root, STATE_REGISTRY);
	struct error error;

	if (str_equal(json_string(state, refused), registry))
		return false;
	json_set_string(state, refused, registry);
	if (state_write_passing(root, STATE_REGISTRY, state, &error))
		log_warn("Cannot remember what the registry refuses", "error", error.message, "hint", error.hint);
	return true;
}

void report(const struct options *options, const struct root *root, cJSON *document)
{
	const char *registry = json_string(document, "registry");
	struct error error;

	if (!is_due(document))
		return;
	if (!is_deployed(root, document)) {
		log_warn("No audit record for a release that is not the deployed one", "version",
			 json_string(document, "release.version"));
		return;
	}
	int result = write_record(options, root, document, &error);
	if (result < 0) {
		log_warn("Audit record failed", "registry", registry, "error", error.message, "hint", error.hint);
	} else if (result > 0) {
		log_event(remember(root, registry) ? LOG_WARN : LOG_DEBUG, "Audit record refused", "registry", registry, "hint",
			  "give this machine the right to write there, or give --no-report");
	} else {
		remember(root, NULL);
		json_set_bool(document, "report.sent", true);
	}
}
