/* SPDX-License-Identifier: MIT */
/* The options of all tools, from options.def. */
#ifndef DEWY_OPTIONS_H
#define DEWY_OPTIONS_H

#include "option.h"

/* One bit for each tool that takes options or reads the document. */
enum {
	CHECK = 1 << 0,
	FETCH = 1 << 1,
	DEPLOY = 1 << 2,
	RESTART = 1 << 3,
	NOTIFY = 1 << 4,
	SERVE = 1 << 5,
	RUN = 1 << 6,   /* dewy once */
	WATCH = 1 << 7, /* dewy watch, server and assets */
	STATUS = 1 << 8,
	HISTORY = 1 << 9,
	REVERT = 1 << 10, /* dewy rollback */
	DOCTOR = 1 << 11,
	NONE = 0,
	ONCE = RUN | WATCH,
	ANY = CHECK | FETCH | DEPLOY | RESTART | NOTIFY,
	ALL = ANY | SERVE | ONCE | STATUS | HISTORY | REVERT | DOCTOR,
};

enum option_id {
#define OPTION(id, name, letter, type, argument, standard, least, most, users, help) OPT_##id,
#include "options.def"
#undef OPTION
	OPTION_COUNT
};

extern const struct option_spec option_specs[OPTION_COUNT];

/* Parses the command line of the tool with that bit, and sets up the log. Returns 0 and the caller gives options to
 * option_free; or -1 with ERROR_USAGE. */
int options_read(struct options *options, unsigned user, int argc, char **argv, struct error *error);

/* What a tool says of itself. */
struct tool {
	const char *name;     /* dewy-check */
	const char *operands; /* behind the options in its usage, "" for none */
	const char *summary;  /* one sentence */
};

/* Reads the options as options_read does, and answers --help, --version and mistakes itself. Returns -1 when the tool is to
 * go on, else its exit status. operands tells how many operands there may be; a command behind "--"
 * is accepted when the operands of the tool show one. */
int options_start(struct options *options, const struct tool *tool, unsigned user, int operands, int argc, char **argv);

/* Prints an error that has no document to travel in, as one line with the hint, to standard error. Returns its exit status. */
int options_complain(const struct tool *tool, const struct error *error);

#endif
