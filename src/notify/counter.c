/* SPDX-License-Identifier: MIT */
#include "notify/counter.h"

#include "alloc.h"
#include "error.h"
#include "fs.h"
#include "lock.h"
#include "notify/cut.h"
#include "root/state.h"
#include "str.h"
#include "time.h"

#include <stdint.h>

enum { LOCK_WAIT_MS = 5000, ERROR_MOST = 1024 /* bytes of each member */ };

static const char name[] = "notify.json", lock_name[] = "notify.lock";

static long long failures_in(const cJSON *file)
{
	long long failures = json_number(file, "failures", 0);

	return failures > 0 ? failures : 0;
}

long long counter_read(const struct root *root, cJSON **ret_file)
{
	AUTO_JSON cJSON *file = state_read(root, name);
	long long failures = failures_in(file);

	if (ret_file)
		*ret_file = steal_pointer(&file);
	return failures;
}

int counter_change(struct root *root, void (*change)(cJSON *file, void *context), void *context, struct error *error)
{
	if (root->state < 0 && root_prepare(root, error))
		return -1;
	AUTO_CLOSE int lock = lock_take(root->state, lock_name, LOCK_WAIT_MS, error);
	if (lock < 0 && error->code == ERROR_LOCKED)
		return error_hint(error, "another dewy-notify has it, for long: check the disk that it writes to");
	if (lock < 0)
		return -1;
	AUTO_JSON cJSON *file = state_read(root, name), *before = xrequire(cJSON_Duplicate(file, true));
	change(file, context);
	if (cJSON_Compare(file, before, true))
		return 0;
	return file->child ? state_write(root, name, file, error) : fs_remove(root->state, name, error);
}

/* Returns the error of a document, which may be a large one from elsewhere: the file is to stay small. */
static cJSON *short_error(const cJSON *document)
{
	static const char *const members[] = {"stage", "code", "message", "hint"};
	cJSON *error = xrequire(cJSON_CreateObject());

	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		const char *text = json_string(json_get(document, "error"), members[i]);
		AUTO_FREE char *cut = text ? message_cut(text, SIZE_MAX, ERROR_MOST) : NULL;
		json_set_string(error, members[i], cut);
	}
	return error;
}

/* One failure to count. */
struct failure {
	const cJSON *document;
	long long failures; /* with it */
};

static void add(cJSON *file, void *context)
{
	struct failure *failure = context;
	const char *id = json_string(failure->document, "id");
	char now[TIME_TEXT];

	failure->failures = failures_in(file);
	if (failure->failures && str_equal(json_string(file, "last_id"), id))
		return;
	json_set_number(file, "failures", ++failure->failures);
	json_set_string(file, "last_at", time_format((time_t)(time_now() / 1000), now));
	json_set_string(file, "last_id", id);
	json_set(file, "error", short_error(failure->document));
}

int counter_add(struct root *root, const cJSON *document, long long *ret_failures, struct error *error)
{
	struct failure failure = {.document = document};

	if (counter_change(root, add, &failure, error))
		return -1;
	*ret_failures = failure.failures;
	return 0;
}

static void clear(cJSON *file, void *context)
{
	static const char *const members[] = {"failures", "last_at", "last_id", "error"};

	if (!str_equal(json_string(file, "last_id"), context))
		return;
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		json_set_string(file, members[i], NULL);
}

int counter_clear(struct root *root, const char *last_id, struct error *error)
{
	AUTO_FREE char *id = xstrdup(last_id);

	return counter_change(root, clear, id, error);
}
