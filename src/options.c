/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "alloc.h"
#include "cleanup.h"
#include "error.h"
#include "fs.h"
#include "log.h"
#include "redact.h"
#include "secrets.h"
#include "str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct option_spec option_specs[OPTION_COUNT] = {
#define OPTION(id, name, letter, type, argument, standard, least, most, users, help) \
	[OPT_##id] = {name, letter, OPTION_##type, argument, standard, least, most, users, help},
#include "options.def"
#undef OPTION
};

static void configure_log(const struct options *options)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	enum log_level level = LOG_INFO;

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		if (str_equal(option_string(options, OPT_LOG_LEVEL), names[i]))
			level = (enum log_level)i;
	log_configure(level, str_equal(option_string(options, OPT_LOG_FORMAT), "json") ? LOG_JSON : LOG_TEXT);
}

int options_read(struct options *options, unsigned user, int argc, char **argv, struct error *error)
{
	redact_prepare(secrets_learn);
	if (option_parse(options, option_specs, OPTION_COUNT, user, argc, argv, error)) {
		option_free(options);
		return -1;
	}
	configure_log(options);
	return 0;
}

int options_complain(const struct tool *tool, const struct error *error)
{
	AUTO_FREE char *sentence = xasprintf("%s: %s; %s", tool->name, error->message, error->hint);

	log_sentence(LOG_ERROR, sentence);
	return error_status(error->code);
}

static void print_help(const struct options *options, const struct tool *tool)
{
	printf("Usage: %s [OPTION]...%s%s\n%s.\n\nOptions:\n", tool->name, *tool->operands ? " " : "", tool->operands,
	       tool->summary);
	option_print_help(options);
}

/* Returns 0 when the command line has no more operands than the tool takes, and a command only where it takes one. */
static int check_operands(const struct options *options, const struct tool *tool, int operands, struct error *error)
{
	int count = 0;

	while (options->operands[count])
		count++;
	bool takes_command = strstr(tool->operands, "--") != NULL;
	if (count > operands)
		return error_set(error, ERROR_USAGE,
				 takes_command ? "unexpected argument %s: a command follows --" : "unexpected argument %s",
				 options->operands[operands]);
	if (options->rest[0] && !takes_command)
		return error_set(error, ERROR_USAGE, "unexpected command %s", options->rest[0]);
	return 0;
}

int options_start(struct options *options, const struct tool *tool, unsigned user, int operands, int argc, char **argv)
{
	struct error error;

	fs_hold_standard();
	if (options_read(options, user, argc, argv, &error)) {
		error_hint(&error, "see %s --help", tool->name);
		return options_complain(tool, &error);
	}
	if (options->version)
		printf("%s %s\n", PACKAGE_NAME, PACKAGE_VERSION);
	else if (options->help)
		print_help(options, tool);
	else if (check_operands(options, tool, operands, &error) == 0)
		return -1;
	else
		error_hint(&error, "see %s --help", tool->name);
	int status = options->version || options->help ? 0 : options_complain(tool, &error);
	if (status == 0 && fflush(stdout)) {
		error_errno(&error, errno, "cannot write to standard output");
		status = options_complain(tool, &error);
	}
	option_free(options);
	return status;
}
