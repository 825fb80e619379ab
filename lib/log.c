/* SPDX-License-Identifier: MIT */
#include "log.h"

#include "alloc.h"
#include "buf.h"
#include "redact.h"
#include "str.h"
#include "time.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LINE_MOST = PIPE_BUF, /* bytes: what a pipe takes whole, whoever else writes to it, and the journal, too */
	PATIENCE_MS = 1000,
	TRIES = 3,
};

static const struct {
	const char *name, *priority; /* in the form of sd-daemon(3) */
} levels[] = {
	[LOG_DEBUG] = {"DEBUG", "<7>"},
	[LOG_INFO] = {"INFO", "<6>"},
	[LOG_WARN] = {"WARN", "<4>"},
	[LOG_ERROR] = {"ERROR", "<3>"},
};

static enum log_level lowest_level = LOG_INFO;
static enum log_format line_format = LOG_TEXT;
static enum { UNKNOWN, ELSEWHERE, JOURNAL, JOURNAL_NOTICE } destination;

void log_configure(enum log_level lowest, enum log_format format)
{
	lowest_level = lowest;
	line_format = format;
}

int log_enabled(enum log_level level)
{
	return level >= lowest_level;
}

void log_moved(void)
{
	destination = UNKNOWN;
}

/* JOURNAL_STREAM is inherited by processes that print elsewhere: it names the file that is the journal (systemd.exec(5)). */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat status;
	char own[64];

	if (!stream || fstat(STDERR_FILENO, &status))
		return false;
	snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
	return str_equal(own, stream);
}

/* Returns what tells the journal how much the line matters, or nothing for anybody else. A unit whose LogLevelMax=notice keeps the
 * remarks of systemd out of the journal keeps those of dewy in it by DEWY_LOG_NOTICE. */
static const char *priority(enum log_level level)
{
	if (destination == UNKNOWN)
		destination = !is_journal() ? ELSEWHERE : getenv("DEWY_LOG_NOTICE") ? JOURNAL_NOTICE : JOURNAL;
	if (destination == ELSEWHERE)
		return "";
	return destination == JOURNAL_NOTICE && level < LOG_WARN ? "<5>" : levels[level].priority;
}

static bool continues_letter(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Appends a text without secrets, of a longer one than most bytes only its beginning and its end. */
static void add_text(struct buf *line, const char *text, size_t most)
{
	AUTO_BUF struct buf scratch = {0};
	const char *clean = redact(text, &scratch);
	size_t length = strlen(clean), head = most / 2, tail = length - most / 2;

	if (length <= most) {
		str_add_escaped(line, clean);
		return;
	}
	while (head && continues_letter(clean[head]))
		head--;
	while (continues_letter(clean[tail]))
		tail++;
	AUTO_FREE char *start = xstrndup(clean, head);
	str_add_escaped(line, start);
	buf_printf(line, "[... %zu bytes ...]", tail - head);
	str_add_escaped(line, clean + tail);
}

static void add_value(struct buf *line, const char *value, size_t most)
{
	buf_puts(line, "\"");
	add_text(line, value, most);
	buf_puts(line, "\"");
}

/* Makes the line of an event, with most bytes of each text. */
static void make_line(struct buf *line, enum log_level level, const char *message, va_list pairs, size_t most)
{
	char now[TIME_TEXT];
	const char *key;

	time_format((time_t)(time_now() / 1000), now);
	if (line_format == LOG_JSON) {
		buf_printf(line, "%s{\"time\":\"%s\",\"level\":\"%s\",\"msg\":", priority(level), now, levels[level].name);
		add_value(line, message, most);
	} else {
		buf_printf(line, "%s%s %s: ", priority(level), now, levels[level].name);
		add_text(line, message, most);
	}
	while ((key = va_arg(pairs, const char *))) {
		const char *value = va_arg(pairs, const char *);
		if (!value)
			continue;
		buf_printf(line, line_format == LOG_JSON ? ",\"%s\":" : " %s=", key);
		add_value(line, value, most);
	}
	buf_puts(line, line_format == LOG_JSON ? "}\n" : "\n");
}

/* One write, so that lines of several processes stay whole, and never a long wait for a reader that does not read: whoever keeps
 * the log is not to stop what is logged. A pipe that can be written to at all takes LINE_MOST bytes. */
static int write_line(const struct buf *line)
{
	static bool stuck;
	struct pollfd polled = {.fd = STDERR_FILENO, .events = POLLOUT};
	ssize_t written = -1;

	for (int tries = 0; tries < TRIES && written < 0; tries++) {
		int ready = poll(&polled, 1, stuck ? 0 : PATIENCE_MS);
		stuck = ready == 0;
		if (stuck)
			errno = EAGAIN;
		else if (ready > 0)
			written = write(STDERR_FILENO, line->data, line->length);
		if (written < 0 && (stuck || (errno != EAGAIN && errno != EINTR)))
			break;
	}
	return written == (ssize_t)line->length ? 0 : -1;
}

int log_pairs(enum log_level level, const char *message, ...)
{
	AUTO_BUF struct buf line = {0};

	if (!log_enabled(level))
		return 0;
	for (size_t most = LINE_MOST; most; most = line.length > LINE_MOST ? most * 3 / 4 : 0) {
		va_list pairs;
		buf_clear(&line);
		va_start(pairs, message);
		make_line(&line, level, message, pairs, most);
		va_end(pairs);
	}
	return write_line(&line);
}

void log_sentence(enum log_level level, const char *sentence)
{
	AUTO_BUF struct buf line = {0}, scratch = {0};

	if (line_format == LOG_JSON) {
		log_event(level, sentence);
		return;
	}
	buf_puts(&line, priority(level));
	str_add_visible(&line, redact(sentence, &scratch));
	buf_puts(&line, "\n");
	write_line(&line);
}
