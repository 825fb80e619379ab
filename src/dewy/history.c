/* SPDX-License-Identifier: MIT */
#include "root/history.h"

#include "alloc.h"
#include "buf.h"
#include "dewy/commands.h"
#include "dewy/record.h"
#include "error.h"
#include "options.h"
#include "str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *text(const cJSON *line, const char *path)
{
	const char *value = json_string(line, path);

	return value && *value ? value : "-";
}

static void print_json(const cJSON *line, void *context)
{
	AUTO_FREE char *json = json_print(line);

	(void)context;
	puts(json);
}

static void add_member(struct buf *cell, const cJSON *line, const char *path)
{
	str_add_escaped(cell, text(line, path));
}

static void add_duration(struct buf *cell, const cJSON *line, const char *path)
{
	(void)path;
	str_add_duration(cell, json_number(line, "duration_ms", 0));
}

/* What had it done, and on whose behalf. */
static void add_actor(struct buf *cell, const cJSON *line, const char *path)
{
	const char *login = json_string(line, "who.login"), *user = login ? login : json_string(line, "who.user");

	(void)path;
	str_add_escaped(cell, text(line, "who.by"));
	if (user) {
		buf_puts(cell, " ");
		str_add_escaped(cell, user);
	}
}

/* The columns: what they are called, where they are in a line, and how wide they are at least. */
static const struct column {
	const char *title;
	void (*add)(struct buf *cell, const cJSON *line, const char *path);
	const char *path;
	int width;
	bool right;
} columns[] = {
	{"TIME", add_member, "time", 20, false},
	{"RESULT", add_member, "state", 11, false},
	{"VERSION", add_member, "version", 16, false},
	{"BEFORE", add_member, "previous", 16, false},
	{"TOOK", add_duration, NULL, 8, true},
	{"WHO", add_actor, NULL, 12, false},
};

enum { COLUMNS = sizeof columns / sizeof *columns };

/* What goes from one line to the next. */
struct table {
	int widths[COLUMNS];
	long long lines;
};

/* Returns what stands in a column, fit for a terminal; the caller frees it. */
static char *cell(const cJSON *line, const struct column *column)
{
	AUTO_BUF struct buf escaped = {0};

	column->add(&escaped, line, column->path);
	return buf_steal(&escaped);
}

/* The first of two passes over the history, so that memory does not grow with it. */
static void measure_line(const cJSON *line, void *context)
{
	struct table *table = context;

	for (int i = 0; i < COLUMNS; i++) {
		AUTO_FREE char *value = cell(line, &columns[i]);
		int length = (int)strlen(value);
		table->widths[i] = length > table->widths[i] ? length : table->widths[i];
	}
	table->lines++;
}

static void print_cell(const struct table *table, int i, const char *value)
{
	printf(columns[i].right ? "%*s  " : "%-*s  ", table->widths[i], value);
}

static void print_line(const cJSON *line, void *context)
{
	const char *message = json_string(line, "error.message");
	AUTO_BUF struct buf why = {0};

	for (int i = 0; i < COLUMNS; i++) {
		AUTO_FREE char *value = cell(line, &columns[i]);
		print_cell(context, i, value);
	}
	str_add_escaped(&why, message ? message : text(line, "reason"));
	puts(buf_text(&why));
}

static int print_table(const struct root *root, long long count, struct error *error)
{
	struct table table = {.lines = 0};

	for (int i = 0; i < COLUMNS; i++)
		table.widths[i] = columns[i].width;
	if (history_each(root, count, measure_line, &table, error))
		return -1;
	if (!table.lines) {
		puts("Nothing was deployed yet.");
		return 0;
	}
	for (int i = 0; i < COLUMNS; i++)
		print_cell(&table, i, columns[i].title);
	puts("WHY");
	return history_each(root, count, print_line, &table, error);
}

static int print_history(const struct options *options, struct error *error)
{
	AUTO_ROOT struct root root = {.fd = -1, .state = -1, .releases = -1};
	long long count = option_number(options, OPT_LINES);

	if (root_look(&root, option_string(options, OPT_ROOT), error))
		return -1;
	int failed = option_flag(options, OPT_JSON) ? history_each(&root, count, print_json, NULL, error)
						    : print_table(&root, count, error);
	if (!failed && fflush(stdout))
		return error_errno(error, errno, "cannot write to standard output");
	return failed;
}

/* Becomes dewy-history, which has the library that it takes. Returns only when it cannot. */
static int verify(const struct options *options, struct error *error)
{
	AUTO_FREE char *program = record_program();

	if (option_export(options, error))
		return -1;
	execv(program, (char *const[]){program, NULL});
	error_set(error, ERROR_CONFIG, "cannot run %s: %s", program, strerror(errno));
	return error_hint(error, "install it with the rest of dewy");
}

int history_main(int argc, char **argv)
{
	static const struct tool tool = {"dewy history", "", "Print the last deployments, oldest first"};
	struct options options;
	struct error error;
	int status = options_start(&options, &tool, HISTORY, 0, argc, argv);

	if (status >= 0)
		return status;
	int failed = option_given(&options, OPT_VERIFY) ? verify(&options, &error) : print_history(&options, &error);
	option_free(&options);
	return failed ? options_complain(&tool, &error) : 0;
}
