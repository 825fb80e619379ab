/* SPDX-License-Identifier: MIT */
#include "fetch/progress.h"

#include "buf.h"
#include "fs.h"
#include "log.h"
#include "str.h"
#include "time.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	LINES_MS = 5000,
	BAR_MS = 100,
	BAR_AFTER_MS = 500, /* a download that ends sooner needs none */
	LEAST_BAR = 8,      /* columns worth a bar */
	COLUMNS = 80,       /* where the terminal does not tell */
};

static long long rate(const struct progress *progress, long long bytes, long long now)
{
	long long elapsed = now - progress->started_at;

	return elapsed > 0 ? (bytes - progress->first) * 1000 / elapsed : 0;
}

static size_t columns(void)
{
	struct winsize size = {0};

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : COLUMNS;
}

static void add_facts(struct buf *text, const struct progress *progress, long long bytes, long long now)
{
	long long per_second = rate(progress, bytes, now);

	str_add_size(text, bytes);
	if (progress->size >= 0) {
		buf_puts(text, " of ");
		str_add_size(text, progress->size);
	}
	buf_puts(text, "  ");
	str_add_size(text, per_second);
	buf_puts(text, "/s");
	if (progress->size > bytes && per_second > 0) {
		buf_puts(text, "  ");
		str_add_duration(text, (progress->size - bytes + per_second - 1) / per_second * 1000);
		buf_puts(text, " left");
	}
}

/* Adds as many letters of the name, which is UTF-8, as there are columns. Returns how many it has added. */
static size_t add_name(struct buf *text, const char *name, size_t width)
{
	size_t letters = 0;

	for (; *name; name++) {
		letters += ((unsigned char)*name & 0xc0) != 0x80;
		if (letters > width)
			return width;
		buf_add(text, name, 1);
	}
	return letters;
}

static void add_bar(struct buf *text, size_t width, long long percent)
{
	size_t full = (width - 2) * (size_t)percent / 100;

	buf_puts(text, "[");
	for (size_t i = 0; i < width - 2; i++)
		buf_puts(text, i < full ? "#" : " ");
	buf_puts(text, "]");
}

/* NAME  42% [####     ] 12.3 MiB of 29.1 MiB  4.1 MiB/s  4s left; what does not fit is left out, the bar first. */
static void draw(struct progress *progress, long long bytes, long long now)
{
	AUTO_BUF struct buf line = {0}, facts = {0};
	size_t width = columns() - 1; /* the last column makes some terminals begin a line */

	add_facts(&facts, progress, bytes, now);
	buf_puts(&line, "\r");
	size_t used = facts.length + 2 < width ? add_name(&line, progress->name, width - facts.length - 2) : 0;
	used += facts.length + 2;
	if (progress->size > 0 && bytes <= progress->size && used + 6 < width) {
		buf_printf(&line, "  %3d%%", (int)(bytes * 100 / progress->size));
		used += 6;
		if (used + 1 + LEAST_BAR < width) {
			buf_puts(&line, " ");
			add_bar(&line, width - used - 1, bytes * 100 / progress->size);
		}
	}
	buf_printf(&line, "  %.*s\033[K", (int)(width > 2 ? width - 2 : 0), buf_text(&facts));
	(void)!fs_write_all(STDERR_FILENO, line.data, line.length); /* a terminal that is gone needs no bar */
	progress->drawn = 1;
}

static void log_line(const struct progress *progress, long long bytes, long long now)
{
	char count[24], size[24];
	AUTO_BUF struct buf speed = {0};

	snprintf(count, sizeof count, "%lld", bytes);
	snprintf(size, sizeof size, "%lld", progress->size);
	str_add_size(&speed, rate(progress, bytes, now));
	buf_puts(&speed, "/s");
	log_info("Downloading", "cache_key", progress->key, "bytes", count, "rate", buf_text(&speed), "size",
		 progress->size >= 0 ? size : NULL);
}

void progress_begin(struct progress *ret, const char *form, const char *name, const char *key, long long size)
{
	long long now = time_monotonic();

	*ret = (struct progress){.name = name, .key = key, .size = size, .started_at = now};
	if (str_equal(form, "bar") || (str_equal(form, "auto") && isatty(STDERR_FILENO)))
		ret->form = PROGRESS_BAR;
	else if (!str_equal(form, "off"))
		ret->form = PROGRESS_LINES;
	ret->next_at = now + (ret->form == PROGRESS_BAR ? BAR_AFTER_MS : LINES_MS);
}

void progress_start_at(struct progress *progress, long long bytes)
{
	progress->first = bytes;
	progress->started_at = time_monotonic();
}

void progress_show(struct progress *progress, long long bytes)
{
	if (progress->form == PROGRESS_OFF)
		return;
	long long now = time_monotonic();
	if (now < progress->next_at)
		return;
	if (progress->form == PROGRESS_BAR)
		draw(progress, bytes, now);
	else
		log_line(progress, bytes, now);
	progress->next_at = now + (progress->form == PROGRESS_BAR ? BAR_MS : LINES_MS);
}

void progress_end(struct progress *progress)
{
	static const char clear[] = "\r\033[K";

	if (progress->drawn)
		(void)!fs_write_all(STDERR_FILENO, clear, sizeof clear - 1);
	progress->drawn = 0;
}
