/* SPDX-License-Identifier: MIT */
#include "log.h"

#include "buf.h"
#include "str.h"
#include "time.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 1000 };

static enum log_level lowest_level = LOG_INFO;
static enum log_format line_format = LOG_TEXT;

void log_configure(enum log_level lowest, enum log_format format)
{
	lowest_level = lowest;
	line_format = format;
}

int log_enabled(enum log_level level)
{
	return level >= lowest_level;
}

static void add_value(struct buf *line, const char *value)
{
	buf_puts(line, "\"");
	str_add_escaped(line, value);
	buf_puts(line, "\"");
}

/* One write, so that lines of several processes stay whole. */
static int write_line(const struct buf *line)
{
	struct pollfd polled = {.fd = STDERR_FILENO, .events = POLLOUT};
	ssize_t written;

	do
		written = write(STDERR_FILENO, line->data, line->length);
	while (written < 0 && errno == EAGAIN && poll(&polled, 1, PATIENCE_MS) > 0);
	return written == (ssize_t)line->length ? 0 : -1;
}

int log_pairs(enum log_level level, const char *message, ...)
{
	static const char *const names[] = {"DEBUG", "INFO", "WARN", "ERROR"};
	AUTO_BUF struct buf line = {0};
	char now[TIME_TEXT];
	va_list pairs;
	const char *key;

	if (!log_enabled(level))
		return 0;
	time_format((time_t)(time_now() / 1000), now);
	if (line_format == LOG_JSON) {
		buf_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"msg\":", now, names[level]);
		add_value(&line, message);
	} else {
		buf_printf(&line, "%s %s: ", now, names[level]);
		str_add_escaped(&line, message);
	}
	va_start(pairs, message);
	while ((key = va_arg(pairs, const char *))) {
		const char *value = va_arg(pairs, const char *);
		if (!value)
			continue;
		buf_printf(&line, line_format == LOG_JSON ? ",\"%s\":" : " %s=", key);
		add_value(&line, value);
	}
	va_end(pairs);
	buf_puts(&line, line_format == LOG_JSON ? "}\n" : "\n");
	return write_line(&line);
}
