/* SPDX-License-Identifier: MIT */
#include "option.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "option_value.h"
#include "str.h"

#include <stdio.h>
#include <string.h>

#define PREFIX "DEWY_"

enum { PREFIX_LENGTH = sizeof PREFIX - 1 };

/* Returns what stands in the name of a variable for a letter of the name of an option. */
static char variable_letter(char letter)
{
	return letter == '-' ? '_' : letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A') : letter;
}

static void variable_name(const struct option_spec *spec, char name[64])
{
	size_t i = 0;

	memcpy(name, PREFIX, PREFIX_LENGTH);
	for (; i < 58 && spec->name[i]; i++)
		name[PREFIX_LENGTH + i] = variable_letter(spec->name[i]);
	name[PREFIX_LENGTH + i] = '\0';
}

static int set_from_flag(const struct option_spec *spec, struct option_value *value, const char *text, struct error *error)
{
	AUTO_BUF struct buf words = {0};
	const char *accepted = option_value_set(spec, value, text, &words);

	if (accepted)
		return error_set(error, ERROR_USAGE, "--%s %s: expected %s", spec->name, text, accepted);
	if (spec->type == OPTION_LIST) {
		if (!value->by_flag)
			value->item_count = 0; /* a flag wins over the environment */
		option_value_add(value, text);
	}
	value->given = value->by_flag = true;
	return 0;
}

/* Returns those entries of the environment that can be options, ended by NULL, for the caller to free: they are few, and looked
 * through for each option. */
static char **own_variables(void)
{
	size_t count = 0;

	for (char **entry = environ; entry && *entry; entry++)
		count += strncmp(*entry, PREFIX, PREFIX_LENGTH) == 0;
	char **own = xreallocarray(NULL, count + 1, sizeof *own);
	own[count] = NULL;
	for (char **entry = environ; entry && *entry; entry++)
		if (strncmp(*entry, PREFIX, PREFIX_LENGTH) == 0)
			own[--count] = *entry;
	return own;
}

/* Compares letter by letter: to make the name of each option's variable first would cost a run more than all else it does with
 * options. */
static const char *find_variable(char *const *own, const struct option_spec *spec)
{
	for (; *own; own++) {
		const char *letter = spec->name, *at = *own + PREFIX_LENGTH;
		for (; *letter && *at == variable_letter(*letter); letter++)
			at++;
		if (!*letter && *at == '=')
			return at + 1;
	}
	return NULL;
}

static int set_from_environment(const struct option_spec *spec, char *const *own, struct option_value *value, struct error *error)
{
	const char *text = find_variable(own, spec);

	if (!text || (!*text && spec->type != OPTION_MAYBE))
		return 0;
	if (spec->type == OPTION_LIST) {
		size_t count;
		if (option_value_set(spec, value, text, NULL))
			return error_set(error, ERROR_USAGE, "the variable of --%s has nothing but white space in it", spec->name);
		value->words = str_split(text, &count);
		for (size_t i = 0; i < count; i++)
			option_value_add(value, value->words[i]);
		value->given = count > 0;
		return 0;
	}
	AUTO_BUF struct buf words = {0};
	const char *accepted = option_value_set(spec, value, text, &words);
	if (accepted) {
		char name[64];
		variable_name(spec, name);
		return error_set(error, ERROR_USAGE, "%s=%s: expected %s", name, text, accepted);
	}
	value->given = spec->type != OPTION_FLAG || value->number;
	return 0;
}

static int from_environment(struct options *options, struct error *error)
{
	AUTO_FREE char **own = own_variables();

	for (size_t i = 0; i < options->count; i++) {
		const struct option_spec *spec = &options->specs[i];
		struct option_value *value = &options->values[i];
		if (!(spec->users & options->user))
			continue;
		AUTO_BUF struct buf unused = {0};
		if (spec->standard)
			option_value_set(spec, value, spec->standard, &unused);
		if (set_from_environment(spec, own, value, error))
			return -1;
	}
	return 0;
}

/* Returns the index of the option of this tool with that name or letter, or count when there is none. */
static size_t find(const struct options *options, const char *name, size_t length, char letter)
{
	size_t i = 0;

	for (; i < options->count; i++) {
		const struct option_spec *spec = &options->specs[i];
		if (!(spec->users & options->user))
			continue;
		if (letter ? spec->letter == letter : strlen(spec->name) == length && strncmp(spec->name, name, length) == 0)
			break;
	}
	return i;
}

/* Sets the option i from its value in the same word, or from the next one. Returns how many words it took, or -1. */
static int take(struct options *options, size_t i, const char *inside, char **words, struct error *error)
{
	const struct option_spec *spec = &options->specs[i];
	const char *text = inside ? inside : words[1];
	int taken = inside ? 1 : 2;

	if (spec->type == OPTION_FLAG) {
		text = inside ? inside : "1";
		taken = 1;
	} else if (spec->type == OPTION_MAYBE && !inside && (!text || text[0] == '-')) {
		text = "";
		taken = 1;
	} else if (!text) {
		return error_set(error, ERROR_USAGE, "--%s needs a value: %s", spec->name, spec->argument);
	}
	return set_from_flag(spec, &options->values[i], text, error) ? -1 : taken;
}

static int take_long(struct options *options, char **words, struct error *error)
{
	const char *name = words[0] + 2, *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);

	if (strcmp(name, "help") == 0)
		options->help = true;
	else if (strcmp(name, "version") == 0)
		options->version = true;
	else {
		size_t i = find(options, name, length, 0);
		if (i == options->count)
			return error_set(error, ERROR_USAGE, "unknown option --%.*s", (int)length, name);
		return take(options, i, equals ? equals + 1 : NULL, words, error);
	}
	return 1;
}

static int take_short(struct options *options, char **words, struct error *error)
{
	char letter = words[0][1];

	if (strcmp(words[0], "-h") == 0)
		options->help = true;
	else {
		size_t i = find(options, NULL, 0, letter);
		if (i == options->count || (options->specs[i].type == OPTION_FLAG && words[0][2]))
			return error_set(error, ERROR_USAGE, "unknown option %s", words[0]);
		return take(options, i, words[0][2] ? words[0] + 2 : NULL, words, error);
	}
	return 1;
}

int option_parse(struct options *options, const struct option_spec *specs, size_t count, unsigned user, int argc, char **argv,
		 struct error *error)
{
	char **words = argv + 1, **end = argv + argc, **operands;

	*options = (struct options){.specs = specs, .count = count, .user = user};
	options->values = xcalloc(count, sizeof *options->values);
	if (from_environment(options, error))
		return -1;
	operands = options->operands = words;
	options->rest = end;
	while (words < end && *words) {
		int taken = 1;
		if (strcmp(*words, "--") == 0) {
			options->rest = words + 1;
			break;
		}
		if (str_starts(*words, "--"))
			taken = take_long(options, words, error);
		else if (words[0][0] == '-' && words[0][1])
			taken = take_short(options, words, error);
		else
			*operands++ = *words;
		if (taken < 0)
			return -1;
		words += taken;
	}
	*operands = NULL; /* over "--", or an option that was read, or the end */
	return 0;
}

void option_free(struct options *options)
{
	for (size_t i = 0; options->values && i < options->count; i++) {
		free(options->values[i].text);
		free(options->values[i].items);
		free(options->values[i].words);
	}
	free(options->values);
	options->values = NULL;
}

bool option_given(const struct options *options, size_t id)
{
	return options->values[id].given;
}

bool option_by_flag(const struct options *options, size_t id)
{
	return options->values[id].by_flag;
}

const char *option_string(const struct options *options, size_t id)
{
	return options->values[id].text;
}

const char *const *option_list(const struct options *options, size_t id)
{
	static const char *const none[] = {NULL};

	return options->values[id].items ? options->values[id].items : none;
}

long long option_number(const struct options *options, size_t id)
{
	return options->values[id].number;
}

bool option_flag(const struct options *options, size_t id)
{
	return options->values[id].number != 0;
}

/* Joins the items of a list as they are read from the environment. Returns 0, or -1 when one would be torn. */
static int join_items(const struct option_spec *spec, const struct option_value *value, struct buf *list, struct error *error)
{
	for (size_t n = 0; n < value->item_count; n++) {
		const char *item = value->items[n] + strspn(value->items[n], OPTION_SPACE), *end = item + strcspn(item, OPTION_SPACE);
		if (end[strspn(end, OPTION_SPACE)]) {
			error_set(error, ERROR_USAGE, "--%s %s: expected a text without white space", spec->name, value->items[n]);
			return error_hint(error, "give the option once for each; in a URL, as of a command, %%20 is a space");
		}
		buf_printf(list, "%s%.*s", n ? " " : "", (int)(end - item), item);
	}
	return 0;
}

int option_export(const struct options *options, struct error *error)
{
	for (size_t i = 0; i < options->count; i++) {
		const struct option_value *value = &options->values[i];
		AUTO_BUF struct buf list = {0};
		char name[64];
		if (!value->by_flag)
			continue;
		if (join_items(&options->specs[i], value, &list, error))
			return -1;
		variable_name(&options->specs[i], name);
		setenv(name, value->item_count ? buf_text(&list) : value->text, 1);
	}
	return 0;
}

void option_print_help(const struct options *options)
{
	for (size_t i = 0; i < options->count; i++) {
		const struct option_spec *spec = &options->specs[i];
		AUTO_BUF struct buf left = {0};
		if (!(spec->users & options->user))
			continue;
		if (spec->letter)
			buf_printf(&left, "-%c, ", spec->letter);
		buf_printf(&left, "--%s", spec->name);
		if (spec->argument)
			buf_printf(&left, spec->type == OPTION_MAYBE ? " [%s]" : " %s", spec->argument);
		printf("  %-37s %s", buf_text(&left), spec->help);
		if (spec->standard)
			printf(" (default %s)", spec->standard);
		printf("\n");
	}
	printf("  %-37s %s\n", "-h, --help", "print this help");
	printf("  %-37s %s\n", "--version", "print the version");
}

