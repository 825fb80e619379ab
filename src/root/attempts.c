/* SPDX-License-Identifier: MIT */
#include "root/attempts.h"

#include "error.h"
#include "fs.h"
#include "root/state.h"
#include "str.h"
#include "time.h"

enum { FIRST_PAUSE = 10, LONGEST_PAUSE = 3600, MOST_DOUBLINGS = 9, MOST_FAILURES = 1000000 };

#define NAME "attempts.json"

/* Returns the seconds to wait after so many failures. */
static int pause_after(int failures)
{
	int doublings = failures - 1 < MOST_DOUBLINGS ? failures - 1 : MOST_DOUBLINGS, pause = FIRST_PAUSE << doublings;

	return pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE;
}

int attempts_failed(const struct root *root, const char *cache_key, time_t *ret_next)
{
	AUTO_JSON cJSON *file = state_read(root, NAME);
	long long failures = json_number(file, "failures", 0);
	const char *next = json_string(file, "next_at");

	*ret_next = 0;
	if (!str_equal(json_string(file, "cache_key"), cache_key) || !next || time_parse(next, ret_next))
		return 0;
	if (failures <= 0 || failures > MOST_FAILURES) /* what was never counted is damage */
		failures = 0;
	if (!failures || *ret_next > time_now() / 1000 + pause_after((int)failures)) /* written while the clock was ahead */
		*ret_next = 0;
	return (int)failures;
}

int attempts_add(const struct root *root, const char *cache_key, struct error *error)
{
	time_t next;
	char text[TIME_TEXT];
	int failed = attempts_failed(root, cache_key, &next), failures = failed + (failed < MOST_FAILURES);
	AUTO_JSON cJSON *file = cJSON_CreateObject();

	next = (time_t)(time_now() / 1000) + pause_after(failures);
	json_set_string(file, "cache_key", cache_key);
	json_set_number(file, "failures", failures);
	json_set_string(file, "next_at", time_format(next, text));
	return state_write(root, NAME, file, error);
}

int attempts_clear(const struct root *root, struct error *error)
{
	return root->dry ? 0 : fs_remove(root->state, NAME, error);
}
