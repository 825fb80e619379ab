/* SPDX-License-Identifier: MIT */
/* Command lines and environments from one table. Each option has an environment variable of the same name (--log-level is
 * DEWY_LOG_LEVEL); a flag wins over it. The table is the only list of options: parsing, --help and the export to child
 * processes come from it. */
#ifndef DEWY_OPTION_H
#define DEWY_OPTION_H

#include <stdbool.h>
#include <stddef.h>

struct error;

enum option_type {
	OPTION_FLAG,     /* --name; in the environment 1, true, yes or on */
	OPTION_STRING,   /* --name TEXT */
	OPTION_LIST,     /* --name TEXT, any number of times; in the environment separated by white space */
	OPTION_MAYBE,    /* --name or --name TEXT: empty text when none is given */
	OPTION_NUMBER,   /* --name N, a whole number */
	OPTION_DURATION, /* --name TIME, kept in milliseconds */
	OPTION_SIZE,     /* --name SIZE, kept in bytes */
	OPTION_CHOICE,   /* --name WORD, one of those in argument, which are separated by | */
};

struct option_spec {
	const char *name; /* without the dashes */
	char letter;      /* of the short form, 0 for none */
	enum option_type type;
	const char *argument; /* what --help calls the value */
	const char *standard; /* the default as a user would write it, NULL for none */
	long long least, most; /* of a number, milliseconds or bytes, most 0 for no limit; least 1 for a text that is not blank */
	unsigned users;       /* one bit for each tool that takes the option */
	const char *help;     /* what it does, without a full stop */
};

struct option_value;

struct options {
	const struct option_spec *specs;
	size_t count;
	unsigned user;               /* the bit of this tool */
	struct option_value *values; /* count of them */
	char **operands;             /* the words that are no options, ended by NULL: part of argv */
	char **rest;                 /* what follows "--", ended by NULL: part of argv */
	bool help, version;          /* --help or --version was given */
};

/* Reads the environment and then argv, whose words it reorders. Operands may stand between options. Returns 0, or -1 with
 * ERROR_USAGE naming the option. specs must live as long as options, which the caller gives to option_free. */
int option_parse(struct options *options, const struct option_spec *specs, size_t count, unsigned user, int argc, char **argv,
		 struct error *error);

void option_free(struct options *options);

/* True when the option was given by a flag or the environment. */
bool option_given(const struct options *options, size_t id);

/* True when it was given by a flag. */
bool option_by_flag(const struct options *options, size_t id);

/* Returns the text of the option, its default, or NULL. It belongs to options. */
const char *option_string(const struct options *options, size_t id);

/* Returns the texts of a list option, ended by NULL. They belong to options. */
const char *const *option_list(const struct options *options, size_t id);

/* Returns the number, the milliseconds or the bytes of the option, its default, or 0. */
long long option_number(const struct options *options, size_t id);

/* True when the flag was given. */
bool option_flag(const struct options *options, size_t id);

/* Returns 1 or 0 for what the variable of a flag may hold, -1 for anything else. */
int option_truth(const char *text);

/* Puts every option that was given on the command line into the environment, for child processes. Returns 0, or -1 with
 * ERROR_USAGE when an item of a list has white space in it, which separates items there. */
int option_export(const struct options *options, struct error *error);

/* Prints the options of this tool to standard output, aligned, with their defaults. */
void option_print_help(const struct options *options);

#endif
