/* SPDX-License-Identifier: MIT */
#include "root/history.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "fs.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

int history_open(const struct root *root, int flags, struct error *error)
{
	const int careful = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	AUTO_CLOSE int fd = root->state < 0 ? (errno = ENOENT, -1) : openat(root->state, HISTORY_NAME, flags | careful, 0644);
	struct stat status;

	if (fd < 0 && errno == ENOENT && !(flags & O_CREAT))
		return -2;
	if (fd < 0 && errno != ELOOP && errno != ENXIO)
		return error_errno(error, errno, "cannot open the history");
	if (fd >= 0 && fstat(fd, &status))
		return error_errno(error, errno, "cannot look at the history");
	if (fd >= 0 && S_ISREG(status.st_mode))
		return steal_fd(&fd);
	error_set(error, ERROR_FILESYSTEM, "%s/.dewy/" HISTORY_NAME " is no regular file", root->path);
	return error_hint(error, "put it out of the way: a new one is begun");
}

off_t history_start(int fd, off_t end)
{
	char block[4096];

	while (end > 0) {
		off_t start = end > (off_t)sizeof block ? end - (off_t)sizeof block : 0;
		ssize_t got = pread(fd, block, (size_t)(end - start), start);
		const char *newline = got > 0 ? memrchr(block, '\n', (size_t)got) : NULL;
		if (newline)
			return start + (newline - block) + 1;
		end = got > 0 ? start : 0;
	}
	return 0;
}

/* Returns the line, or NULL when it is torn. */
static cJSON *parse_line(const char *text, size_t length)
{
	struct error unreadable;
	AUTO_JSON cJSON *line = length < HISTORY_LINE ? json_parse(text, length, &unreadable) : NULL;

	return cJSON_IsObject(line) ? steal_pointer(&line) : NULL;
}

cJSON *history_read(int fd, off_t start, off_t end)
{
	size_t length = (size_t)(end - start);
	AUTO_FREE char *text = length < HISTORY_LINE ? xcalloc(1, length + 1) : NULL;

	return text && pread(fd, text, length, start) == (ssize_t)length ? parse_line(text, length) : NULL;
}

/* Returns the offset at which the last count lines begin that are whole; 0 for all, with count 0. What no newline ends is none. */
static off_t find_tail(int fd, off_t size, long long count)
{
	off_t start = count ? history_start(fd, size) : 0;

	while (start > 0 && count > 0) {
		off_t end = start - 1; /* of the line before */
		start = history_start(fd, end);
		AUTO_JSON cJSON *line = history_read(fd, start, end);
		count -= line != NULL;
	}
	return start;
}

static void visit_line(const struct buf *text, void (*visit)(const cJSON *line, void *context), void *context)
{
	AUTO_JSON cJSON *line = parse_line(buf_text(text), text->length);

	if (line)
		visit(line, context); /* a line torn by a power cut is none */
}

int history_each(const struct root *root, long long count, void (*visit)(const cJSON *line, void *context), void *context,
		 struct error *error)
{
	AUTO_CLOSE int fd = history_open(root, O_RDONLY, error);
	AUTO_BUF struct buf line = {0};
	struct stat status;
	char block[4096];
	ssize_t got;

	if (fd < 0)
		return fd == -2 ? 0 : -1;
	if (fstat(fd, &status) || lseek(fd, find_tail(fd, status.st_size, count), SEEK_SET) < 0)
		return error_errno(error, errno, "cannot read the history");
	while ((got = read(fd, block, sizeof block)) > 0) {
		for (char *at = block, *end = block + got; at < end;) {
			char *newline = memchr(at, '\n', (size_t)(end - at));
			size_t length = (size_t)((newline ? newline : end) - at);
			if (line.length < HISTORY_LINE)
				buf_add(&line, at, length);
			if (newline) {
				visit_line(&line, visit, context);
				buf_clear(&line);
			}
			at += length + (newline != NULL);
		}
	}
	return got < 0 ? error_errno(error, errno, "cannot read the history") : 0;
}

static void keep_last(const cJSON *line, void *context)
{
	cJSON **last = context;

	cJSON_Delete(*last);
	*last = cJSON_Duplicate(line, true);
}

bool history_is_of_kind(const char *stage, const char *code)
{
	return str_equal(stage, "check") || str_equal(stage, "fetch") || str_equal(code, error_word(ERROR_SPACE));
}

bool history_is_repeated(const struct root *root, const cJSON *line)
{
	static const char *const same[] = {"state", "version", "error.stage", "error.code", "error.message"};
	bool of_kind = history_is_of_kind(json_string(line, "error.stage"), json_string(line, "error.code"));
	AUTO_JSON cJSON *last = NULL;
	struct error unreadable;

	if (!str_equal(json_string(line, "state"), "failed") || history_each(root, 1, keep_last, &last, &unreadable) || !last)
		return false;
	for (size_t i = 0; i < sizeof same / sizeof *same - of_kind; i++)
		if (!str_equal(json_string(line, same[i]), json_string(last, same[i])))
			return false;
	return true;
}
