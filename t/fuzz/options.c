/* SPDX-License-Identifier: MIT */
/* A command line, a word a line: what a tool takes by flags, a tool that it starts takes by the environment. */
#include "fuzz.h"

#include "error.h"
#include "options.h"
#include "restart/settings.h"
#include "str.h"

#include <string.h>

/* Compares a list, of which the environment holds no empty item and no white space around one. */
static void compare_lists(const char *const *a, const char *const *b)
{
	static const char space[] = " \t\r\n";

	for (; *a; a++) {
		const char *item = *a + strspn(*a, space);
		size_t length = strcspn(item, space);
		if (!length)
			continue;
		FUZZ_HOLDS(*b && strlen(*b) == length && memcmp(*b, item, length) == 0);
		b++;
	}
	FUZZ_HOLDS(!*b);
}

static void compare_option(const struct options *a, const struct options *b, size_t id)
{
	const char *text = option_string(a, id);

	switch (option_specs[id].type) {
	case OPTION_FLAG:
		FUZZ_HOLDS(option_flag(a, id) == option_flag(b, id));
		return;
	case OPTION_NUMBER:
	case OPTION_DURATION:
	case OPTION_SIZE:
		FUZZ_HOLDS(option_number(a, id) == option_number(b, id));
		return;
	case OPTION_LIST:
		compare_lists(option_list(a, id), option_list(b, id));
		return;
	default: /* an empty variable is none, so that the default counts */
		FUZZ_HOLDS(!text || !*text || str_equal(text, option_string(b, id)));
	}
}

static void compare(const struct options *a, const struct options *b)
{
	for (size_t id = 0; id < OPTION_COUNT; id++)
		if (option_specs[id].users & a->user && option_given(a, id))
			compare_option(a, b, id);
}

static void try(unsigned user, const struct fuzz_parts *words)
{
	char *argv[18] = {(char *)"tool"}, *none[] = {(char *)"tool", NULL};
	struct options options, again;
	struct error error;
	int argc = 1;

	for (size_t i = 0; i < words->count; i++)
		argv[argc++] = words->items[i];
	clearenv();
	int failed = option_parse(&options, option_specs, OPTION_COUNT, user, argc, argv, &error);
	FUZZ_HOLDS(!failed || error.code == ERROR_USAGE);
	if (!failed && user & RESTART)
		restart_check(&options, &error);
	if (!failed && option_export(&options, &error) == 0) {
		FUZZ_HOLDS(option_parse(&again, option_specs, OPTION_COUNT, user, 1, none, &error) == 0);
		compare(&options, &again);
		option_free(&again);
	}
	option_free(&options);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static const unsigned users[] = {CHECK, FETCH, DEPLOY, RESTART, NOTIFY, SERVE, RUN, WATCH, STATUS, HISTORY, REVERT, DOCTOR};

	for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
		AUTO_PARTS struct fuzz_parts words;
		fuzz_parts_cut(&words, bytes, length, '\n');
		try(users[i], &words);
	}
	clearenv();
	return 0;
}
