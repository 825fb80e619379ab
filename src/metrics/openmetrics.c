/* SPDX-License-Identifier: MIT */
#include "metrics/openmetrics.h"

#include "alloc.h"
#include "error.h"
#include "fs.h"
#include "metrics/families.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Appends NAME="VALUE". What comes from outside cannot end the value: a backslash, a quote and the end of a line are escaped, which
 * is all that the format knows; other control characters are the problem of whoever shows them, and become U+FFFD. */
static void add_label(struct buf *text, const char *name, const char *value)
{
	AUTO_BUF struct buf clean = {0};

	str_add_utf8(&clean, value);
	buf_printf(text, "%s%s=\"", text->length && text->data[text->length - 1] == '{' ? "" : ",", name);
	for (const char *at = buf_text(&clean); *at; at += str_utf8_length(at)) {
		if (*at == '\n')
			buf_puts(text, "\\n");
		else if (*at == '\\' || *at == '"')
			buf_printf(text, "\\%c", *at);
		else if (str_control(at))
			buf_puts(text, "\xef\xbf\xbd");
		else
			buf_add(text, at, str_utf8_length(at));
	}
	buf_puts(text, "\"");
}

static void add_labels(struct buf *text, const cJSON *labels)
{
	const cJSON *label;

	cJSON_ArrayForEach(label, labels)
	{
		if (cJSON_IsString(label))
			add_label(text, label->string, label->valuestring);
	}
}

/* What comes before the samples of a metric. The name of a counter has no _total here: that is of its samples. */
static void add_head(struct buf *text, const struct metric *metric)
{
	size_t length = strlen(metric->name) - (metric->type == METRIC_COUNTER ? strlen("_total") : 0);
	AUTO_FREE char *name = xstrndup(metric->name, length);

	buf_printf(text, "# TYPE %s %s\n", name, metric->type == METRIC_COUNTER ? "counter" : "gauge");
	if (*metric->unit)
		buf_printf(text, "# UNIT %s %s\n", name, metric->unit);
	buf_printf(text, "# HELP %s %s.\n", name, metric->help);
}

/* The text, and whose head it has. */
struct writing {
	struct buf *text;
	const struct metric *begun;
};

static void add_sample(const struct metric *metric, const struct metric_sample *sample, void *context)
{
	struct writing *writing = context;
	struct buf *text = writing->text;

	if (writing->begun != metric)
		add_head(text, metric);
	writing->begun = metric;
	buf_printf(text, "%s{", metric->name);
	add_labels(text, sample->common);
	add_labels(text, sample->labels);
	if (sample->label)
		add_label(text, metric->label, sample->label);
	if (*metric->unit)
		buf_printf(text, "} %lld.%03d\n", sample->value / 1000, (int)(sample->value % 1000));
	else
		buf_printf(text, "} %lld\n", sample->value);
}

void openmetrics_add(struct buf *text, const cJSON *state)
{
	struct writing writing = {.text = text};

	for (size_t i = 0; i < METRIC_COUNT; i++)
		metric_each(&metrics[i], state, add_sample, &writing);
	buf_puts(text, "# EOF\n");
}

/* Returns the name of the file in its directory, with that directory, which the caller frees. */
static const char *split(const char *path, char **ret_directory)
{
	const char *slash = strrchr(path, '/');

	*ret_directory = slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : xstrdup(".");
	return slash ? slash + 1 : path;
}

static int hint_directory(const char *directory, struct error *error)
{
	return error_hint(error,
			  "create the directory, and let this user write to it; a unit of systemd needs ReadWritePaths=%s, too",
			  directory);
}

int openmetrics_check(const char *path, struct error *error)
{
	AUTO_FREE char *directory = NULL;
	const char *name = split(path, &directory);
	struct stat there;

	if (!str_is_file_name(name)) {
		error_set(error, ERROR_CONFIG, "%s is the name of no file", path);
		return error_hint(error, "name a file, such as %s/NAME.prom", directory);
	}
	if (access(directory, W_OK | X_OK)) {
		error_errno(error, errno, "cannot write to %s", directory);
		return hint_directory(directory, error);
	}
	if (lstat(path, &there) || S_ISREG(there.st_mode))
		return 0;
	error_set(error, ERROR_FILESYSTEM, "%s is there, and no regular file", path);
	return error_hint(error, "name a file that there is not yet, or put away what is there");
}

int openmetrics_write(const char *path, const cJSON *state, struct error *error)
{
	AUTO_FREE char *directory = NULL;
	const char *name = split(path, &directory);
	AUTO_BUF struct buf text = {0};

	if (openmetrics_check(path, error))
		return -1;
	AUTO_CLOSE int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		error_errno(error, errno, "cannot open %s", directory);
		return hint_directory(directory, error);
	}
	openmetrics_add(&text, state);
	mode_t mask = umask(0); /* who collects it is another user */
	int result = fs_write_passing(dir, name, 0644, text.data, text.length, error);
	umask(mask);
	return result ? error_in(error, "%s", directory) : 0;
}
