/* SPDX-License-Identifier: MIT */
/* A version, what the application is called, and names of artifacts, one a line: which one is chosen does not depend on their
 * order. */
#include "fuzz.h"

#include "check/artifact.h"
#include "error.h"
#include "str.h"

#include <string.h>

static void list_names(struct artifact_list *list, const struct fuzz_parts *lines, bool backwards)
{
	for (size_t i = 2; i < lines->count; i++) {
		char *name = lines->items[backwards ? lines->count + 1 - i : i];
		const struct artifact artifact = {.name = name, .url = name, .size = -1};
		artifact_list_add(list, &artifact);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	AUTO_PARTS struct fuzz_parts lines;
	AUTO_ARTIFACTS struct artifact_list forth = {0}, back = {0};
	const struct artifact *first = NULL, *second = NULL;
	struct error error, again;

	fuzz_parts_cut(&lines, bytes, length, '\n');
	list_names(&forth, &lines, false);
	list_names(&back, &lines, true);
	const struct artifact_rules rules = {.version = fuzz_part(&lines, 0), .projects = {fuzz_part(&lines, 1), "app"}};
	int result = artifact_select(&forth, &rules, &first, &error);
	FUZZ_HOLDS(artifact_select(&back, &rules, &second, &again) == result);
	FUZZ_HOLDS(result < 1 ? result == 0 || error.code == ERROR_AMBIGUOUS : error.code == ERROR_NOT_FOUND);
	FUZZ_HOLDS(result || (first && second && str_equal(first->name, second->name) && str_is_file_name(first->name)));
	return 0;
}
