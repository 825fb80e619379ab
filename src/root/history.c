/* SPDX-License-Identifier: MIT */
#include "root/history.h"

#include "alloc.h"
#include "buf.h"
#include "document.h"
#include "error.h"
#include "fs.h"
#include "str.h"
#include "time.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { LINE_LIMIT = 65536 };

#define NAME "history.jsonl"

/* Where in the document the members of a line come from. */
static const char *const copied[][2] = {
	{"id", "id"},
	{"host", "host"},
	{"mode", "mode"},
	{"state", "state"},
	{"reason", "reason"},
	{"version", "release.version"},
	{"previous", "previous.version"},
	{"artifact", "artifact.name"},
	{"digest", "artifact.digest"},
	{"kind", "restart.kind"},
	{"unit", "restart.unit"},
	{"generation", "restart.generation"},
	{"worker", "restart.pid"},
	{"error", "error"},
};

static cJSON *make_line(const cJSON *document)
{
	cJSON *line = xrequire(cJSON_CreateObject());
	char now[TIME_TEXT];

	json_set_string(line, "time", time_format((time_t)(time_now() / 1000), now));
	for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
		const cJSON *item = json_get(document, copied[i][1]);
		if (item)
			json_set(line, copied[i][0], cJSON_Duplicate(item, true));
	}
	json_set_number(line, "duration_ms", document_spent(document));
	return line;
}

/* Opens the history for reading. Returns a descriptor, or -1 with errno. */
static int open_history(const struct root *root)
{
	return root->state < 0 ? (errno = ENOENT, -1) : openat(root->state, NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

/* Returns the offset at which the last count lines begin. A last line without an end counts, too. */
static off_t find_tail(int fd, off_t size, long long count)
{
	char block[4096];

	for (off_t end = size; end > 0;) {
		off_t start = end > (off_t)sizeof block ? end - (off_t)sizeof block : 0;
		ssize_t got = pread(fd, block, (size_t)(end - start), start);
		if (got <= 0)
			return 0;
		for (ssize_t i = got - 1; i >= 0; i--)
			if (block[i] == '\n' && start + i + 1 < size && --count == 0)
				return start + i + 1;
		end = start;
	}
	return 0;
}

static void visit_line(const char *text, size_t length, void (*visit)(const cJSON *line, void *context), void *context)
{
	struct error unreadable;
	AUTO_JSON cJSON *line = json_parse(text, length, &unreadable);

	if (cJSON_IsObject(line))
		visit(line, context); /* a line torn by a power cut is none */
}

int history_each(const struct root *root, long long count, void (*visit)(const cJSON *line, void *context), void *context,
		 struct error *error)
{
	AUTO_CLOSE int fd = open_history(root);
	AUTO_BUF struct buf line = {0};
	struct stat status;
	char block[4096];
	ssize_t got;

	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(error, errno, "cannot open the history");
	if (fstat(fd, &status) || lseek(fd, find_tail(fd, status.st_size, count), SEEK_SET) < 0)
		return error_errno(error, errno, "cannot read the history");
	while ((got = read(fd, block, sizeof block)) > 0) {
		for (char *at = block, *end = block + got; at < end;) {
			char *newline = memchr(at, '\n', (size_t)(end - at));
			size_t length = (size_t)((newline ? newline : end) - at);
			if (line.length + length <= LINE_LIMIT)
				buf_add(&line, at, length);
			if (newline) {
				visit_line(buf_text(&line), line.length, visit, context);
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

/* True when the last line tells of the same failure: a run every ten seconds must not fill the disk with it. */
static bool is_repeated(const struct root *root, const cJSON *line)
{
	static const char *const same[] = {"state", "version", "error.stage", "error.code", "error.message"};
	AUTO_JSON cJSON *last = NULL;
	struct error unreadable;

	if (!str_equal(json_string(line, "state"), "failed") || history_each(root, 1, keep_last, &last, &unreadable) || !last)
		return false;
	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		if (!str_equal(json_string(line, same[i]), json_string(last, same[i])))
			return false;
	return true;
}

/* True when the file ends in the middle of a line. */
static bool is_torn(const struct root *root)
{
	AUTO_CLOSE int fd = open_history(root);
	struct stat status;
	char last = '\n';

	return fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0 && pread(fd, &last, 1, status.st_size - 1) == 1 && last != '\n';
}

int history_append(const struct root *root, const cJSON *document, struct error *error)
{
	AUTO_JSON cJSON *line = make_line(document);
	AUTO_FREE char *text = json_print(line);
	AUTO_BUF struct buf bytes = {0};

	if (root->dry || is_repeated(root, line))
		return 0;
	buf_printf(&bytes, "%s%s\n", is_torn(root) ? "\n" : "", text);
	return fs_append_file(root->state, NAME, 0644, bytes.data, bytes.length, error);
}
