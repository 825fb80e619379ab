/* SPDX-License-Identifier: MIT */
/* A calendar form, or an empty line for semantic versions, and versions, one a line: their order is total. */
#include "fuzz.h"

#include "cleanup.h"
#include "error.h"
#include "version.h"

static int sign(int number)
{
	return (number > 0) - (number < 0);
}

static void compare_all(const struct version *versions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		FUZZ_HOLDS(version_compare(&versions[i], &versions[i]) == 0);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++) {
			int order = sign(version_compare(&versions[i], &versions[j]));
			FUZZ_HOLDS(order == -sign(version_compare(&versions[j], &versions[i])));
			for (size_t k = 0; k < count; k++)
				FUZZ_HOLDS(order > 0 || version_compare(&versions[j], &versions[k]) > 0 ||
					   version_compare(&versions[i], &versions[k]) <= 0);
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	AUTO_PARTS struct fuzz_parts parts;
	struct version versions[16] = {0};
	struct error error;
	size_t count = 0;

	fuzz_parts_cut(&parts, bytes, length, '\n');
	const char *form = *fuzz_part(&parts, 0) ? parts.items[0] : NULL;
	if (version_check_format(form, &error)) {
		FUZZ_HOLDS(error.code == ERROR_CONFIG);
		form = NULL;
	}
	for (size_t i = 1; i < parts.count; i++) {
		FUZZ_HOLDS(version_check_slot(parts.items[i], &error) == 0 || error.code == ERROR_CONFIG);
		count += version_parse(&versions[count], form, parts.items[i]);
	}
	for (size_t i = 0; i < count; i++)
		FUZZ_HOLDS(versions[i].count <= VERSION_PARTS);
	compare_all(versions, count);
	return 0;
}
