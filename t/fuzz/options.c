/* SPDX-License-Identifier: MIT */
/* A command line, a word a line: what a tool takes by flags, a tool that it starts takes by the environment. */
#include "fuzz.h"

#include "error.h"
#include "options.h"
#include "restart/settings.h"
#include "str.h"

static bool is_taken(const struct options *options, size_t id)
{
	return option_specs[id].users & options->user;
}

static void compare(const struct options *a, const struct options *b)
{
	for (size_t id = 0; id < OPTION_COUNT; id++) {
		if (!is_taken(a, id) || !option_given(a, id))
			continue;
		FUZZ_HOLDS(option_given(b, id));
		switch (option_specs[id].type) {
		case OPTION_FLAG:
			FUZZ_HOLDS(option_flag(a, id) == option_flag(b, id));
			break;
		case OPTION_NUMBER:
		case OPTION_DURATION:
		case OPTION_SIZE:
			FUZZ_HOLDS(option_number(a, id) == option_number(b, id));
			break;
		case OPTION_LIST:
			for (size_t i = 0; option_list(a, id)[i]; i++)
				FUZZ_HOLDS(str_equal(option_list(a, id)[i], option_list(b, id)[i]));
			break;
		default:
			FUZZ_HOLDS(str_equal(option_string(a, id), option_string(b, id)));
		}
	}
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
