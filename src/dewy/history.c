/* SPDX-License-Identifier: MIT */
#include "root/history.h"

#include "alloc.h"
#include "buf.h"
#include "dewy/commands.h"
#include "error.h"
#include "options.h"
#include "str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

/* The columns: what they are called, where they are in a line, and how wide they are at least. */
static const struct column {
	const char *title;
	const char *path; /* NULL for how long it took */
	int width;
} columns[] = {
	{"TIME", "time", 20}, {"RESULT", "state", 11}, {"VERSION", "version", 16}, {"BEFORE", "previous", 16}, {"TOOK", NULL, 8},
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

	if (column->path)
		str_add_escaped(&escaped, text(line, column->path));
	else
		str_add_duration(&escaped, json_number(line, "duration_ms", 0));
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
	printf(columns[i].path ? "%-*s  " : "%*s  ", table->widths[i], value);
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

int history_main(int argc, char **argv)
{
	static const struct tool tool = {"dewy history", "", "Print the last deployments, oldest first"};
	struct options options;
	struct error error;
	int status = options_start(&options, &tool, HISTORY, 0, argc, argv);

	if (status >= 0)
		return status;
	int failed = print_history(&options, &error);
	option_free(&options);
	return failed ? options_complain(&tool, &error) : 0;
}
