/* SPDX-License-Identifier: MIT */
#include "root/attempts.h"

#include "error.h"
#include "fs.h"
#include "root/state.h"
#include "str.h"
#include "time.h"

enum { FIRST_PAUSE = 10, LONGEST_PAUSE = 3600, MOST_DOUBLINGS = 9, MOST_FAILURES = 1000000 };

#define NAME "attempts.json"

int attempts_failed(const struct root *root, const char *cache_key, time_t *ret_next)
{
	AUTO_JSON cJSON *file = state_read(root, NAME);
	long long failures = json_number(file, "failures", 0);
	const char *next = json_string(file, "next_at");

	*ret_next = 0;
	if (!str_equal(json_string(file, "cache_key"), cache_key) || !next || time_parse(next, ret_next))
		return 0;
	if (*ret_next > time_now() / 1000 + LONGEST_PAUSE) /* written while the clock was ahead */
		*ret_next = 0;
	return failures > 0 && failures <= MOST_FAILURES ? (int)failures : 0; /* what was never counted is damage */
}

int attempts_add(const struct root *root, const char *cache_key, struct error *error)
{
	time_t next;
	char text[TIME_TEXT];
	int failed = attempts_failed(root, cache_key, &next), failures = failed + (failed < MOST_FAILURES);
	int doublings = failures - 1 < MOST_DOUBLINGS ? failures - 1 : MOST_DOUBLINGS;
	int pause = FIRST_PAUSE << doublings;
	AUTO_JSON cJSON *file = cJSON_CreateObject();

	next = (time_t)(time_now() / 1000) + (pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE);
	json_set_string(file, "cache_key", cache_key);
	json_set_number(file, "failures", failures);
	json_set_string(file, "next_at", time_format(next, text));
	return state_write(root, NAME, file, error);
}

int attempts_clear(const struct root *root, struct error *error)
{
	return root->dry ? 0 : fs_remove(root->state, NAME, error);
}
