/* SPDX-License-Identifier: MIT */
/* A history, whole or torn: what is appended to an unbroken chain leaves it so, and is found again. */
#include "fuzz.h"

#include "error.h"
#include "json.h"
#include "root/history.h"
#include "root/history_chain.h"
#include "str.h"

struct count {
	long long lines;
	char last[64]; /* the version in it */
};

static void visit(const cJSON *line, void *context)
{
	struct count *count = context;
	const char *version = json_string(line, "version");

	count->lines++;
	count->last[0] = '\0';
	if (str_equal(version, "v9.9.9"))
		count->last[0] = '9';
}

static void append(const struct root *root, const struct history_chain *before)
{
	AUTO_JSON cJSON *line = cJSON_CreateObject();
	struct history_chain after;
	struct count count = {0}, last = {0};
	struct error error;

	json_set_string(line, "state", "running");
	json_set_string(line, "version", "v9.9.9");
	FUZZ_HOLDS(history_append(root, line, &error) == 0);
	FUZZ_HOLDS(history_verify(root, before->head, &after, &error) == 0);
	FUZZ_HOLDS(before->broken || (!after.broken && after.lines == before->lines + 1 && after.noted >= 0));
	FUZZ_HOLDS(history_each(root, 0, visit, &count, &error) == 0 && count.lines > 0 && count.last[0]);
	FUZZ_HOLDS(history_each(root, 1, visit, &last, &error) == 0 && last.lines == 1 && last.last[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct root *root = fuzz_root_with_state();
	struct history_chain chain;
	struct count count = {0};
	struct error error;

	fuzz_file(HISTORY_NAME, bytes, length);
	FUZZ_HOLDS(history_each(root, 0, visit, &count, &error) == 0);
	FUZZ_HOLDS(history_verify(root, NULL, &chain, &error) == 0);
	FUZZ_HOLDS(chain.broken || chain.lines == count.lines);
	append(root, &chain);
	return 0;
}
