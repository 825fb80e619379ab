/* SPDX-License-Identifier: MIT */
#include "root/limits.h"

#include "alloc.h"
#include "str.h"
#include "time.h"

static const char limits[] = "limits";

static bool is_limit_of(const cJSON *limit, const char *host, const char *identity)
{
	return str_equal(json_string(limit, "host"), host) && str_equal(json_string(limit, "identity"), identity);
}

/* Returns when it ends, 0 for one that is over. */
static time_t end_of(const cJSON *limit)
{
	const char *text = json_string(limit, "until");
	long long now = time_now() / 1000;
	time_t until;

	return text && time_parse(text, &until) == 0 && now < until && until <= now + LIMITS_LONGEST ? until : 0;
}

const char *limits_until(const cJSON *state, const char *host, const char *identity)
{
	const cJSON *limit;

	cJSON_ArrayForEach(limit, json_get(state, limits))
	{
		if (is_limit_of(limit, host, identity) && end_of(limit))
			return json_string(limit, "until");
	}
	return NULL;
}

const cJSON *limits_longest(const cJSON *state)
{
	const cJSON *limit, *longest = NULL;

	cJSON_ArrayForEach(limit, json_get(state, limits))
	{
		if (end_of(limit) > (longest ? end_of(longest) : 0))
			longest = limit;
	}
	return longest;
}

void limits_add(cJSON *state, const char *host, const char *identity, const char *until)
{
	cJSON *kept = xrequire(cJSON_CreateArray()), *added = xrequire(cJSON_CreateObject());
	const cJSON *limit;

	cJSON_ArrayForEach(limit, json_get(state, limits))
	{
		if (!is_limit_of(limit, host, identity) && end_of(limit))
			cJSON_AddItemToArray(kept, xrequire(cJSON_Duplicate(limit, true)));
	}
	json_set_string(added, "host", host);
	json_set_string(added, "identity", identity);
	json_set_string(added, "until", until);
	cJSON_AddItemToArray(kept, added);
	json_set(state, limits, kept);
}
