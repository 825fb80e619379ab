/* SPDX-License-Identifier: MIT */
#include "root/retained.h"

#include "alloc.h"
#include "str.h"

#include <string.h>

bool retained_is_version(const cJSON *record, const char *version)
{
	const char *recorded = json_string(record, "release.version");

	return recorded && (str_equal(recorded, version) || (recorded[0] == 'v' && str_equal(recorded + 1, version)));
}

int retained_find(const struct root *root, char (*names)[RELEASE_NAME], int count, const char *current, const char *version)
{
	AUTO_JSON cJSON *running = release_record(root, current);
	const char *path = json_string(running, "previous.path"), *slash = path ? strrchr(path, '/') : NULL;
	int before = -1;

	for (int i = count - 1; i >= 0; i--) {
		if (str_equal(names[i], current))
			continue;
		AUTO_JSON cJSON *record = release_record(root, names[i]);
		if (release_is_unfinished(record) ||
		    str_equal(json_string(record, "artifact.cache_key"), json_string(running, "artifact.cache_key")))
			continue; /* a second copy of what runs, by --force, is nothing to go back to */
		if (*version ? retained_is_version(record, version) : slash && str_equal(slash + 1, names[i]))
			return i;
		if (before < 0 && strcmp(names[i], current) < 0)
			before = i;
	}
	return *version ? -1 : before;
}

struct retained retained_describe(const char *name, const cJSON *record)
{
	struct retained retained = {.name = name, .served = json_true(record, "served")};
	const char *path = json_string(record, "previous.path"), *slash = path ? strrchr(path, '/') : NULL;

	if (slash && release_is_name(slash + 1))
		memcpy(retained.before, slash + 1, RELEASE_NAME);
	return retained;
}

int retained_served(const struct retained *releases, int count, const char *name)
{
	int known = count - 1;

	while (known >= 0 && !str_equal(releases[known].name, name))
		known--;
	if (known >= 0 && releases[known].served)
		return known;
	for (int i = known - 1; i >= 0; i--) {
		if (!str_equal(releases[i].name, releases[known].before))
			continue;
		if (releases[i].served)
			return i;
		known = i;
	}
	for (int i = known - 1; i >= 0; i--)
		if (releases[i].served)
			return i;
	return -1;
}

int retained_find_served(const struct root *root, char (*names)[RELEASE_NAME], int count, const char *name)
{
	AUTO_FREE struct retained *releases = xcalloc((size_t)(count > 0 ? count : 1), sizeof *releases);

	for (int i = 0; i < count; i++) {
		AUTO_JSON cJSON *record = release_record(root, names[i]);
		releases[i] = retained_describe(names[i], record);
	}
	return retained_served(releases, count, name);
}
