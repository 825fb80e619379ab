/* SPDX-License-Identifier: MIT */
#include "notify/counter.h"

#include "alloc.h"
#include "fs.h"
#include "lock.h"
#include "root/state.h"
#include "str.h"
#include "time.h"

enum { LOCK_WAIT_MS = 5000 };

static const char name[] = "notify.json", lock_name[] = "notify.lock";

static long long failures_in(const cJSON *counter)
{
	long long failures = json_number(counter, "failures", 0);

	return failures > 0 ? failures : 0;
}

long long counter_read(const struct root *root, cJSON **ret_last)
{
	AUTO_JSON cJSON *counter = state_read(root, name);
	long long failures = failures_in(counter);

	if (ret_last)
		*ret_last = steal_pointer(&counter);
	return failures;
}

int counter_add(struct root *root, const cJSON *document, long long *ret_failures, struct error *error)
{
	const char *id = json_string(document, "id");
	const cJSON *why = json_get(document, "error");
	char now[TIME_TEXT];

	if (root->state < 0 && root_prepare(root, error))
		return -1;
	AUTO_CLOSE int lock = lock_take(root->state, lock_name, LOCK_WAIT_MS, error);
	if (lock < 0)
		return -1;
	AUTO_JSON cJSON *counter = state_read(root, name);
	*ret_failures = failures_in(counter);
	if (*ret_failures && str_equal(json_string(counter, "last_id"), id))
		return 0;
	json_set_number(counter, "failures", ++*ret_failures);
	json_set_string(counter, "last_at", time_format((time_t)(time_now() / 1000), now));
	json_set_string(counter, "last_id", id);
	json_set(counter, "error", xrequire(why ? cJSON_Duplicate(why, true) : cJSON_CreateObject()));
	return state_write(root, name, counter, error);
}

int counter_clear(const struct root *root, struct error *error)
{
	AUTO_CLOSE int lock = lock_take(root->state, lock_name, LOCK_WAIT_MS, error);

	return lock < 0 ? -1 : fs_remove(root->state, name, error);
}
