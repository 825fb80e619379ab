/* SPDX-License-Identifier: MIT */
#include "root/history_chain.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "fs.h"
#include "lock.h"
#include "root/history.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAIT_MS = 10000 };

static const char lock_name[] = "history.lock"; /* anybody may read the history, and so could lock it */

/* What there is before the new lines. */
struct tail {
	int fd;
	off_t size;
	bool torn;              /* the last line has no end */
	char prev[DIGEST_TEXT]; /* for the next line */
};

/* Returns where the last line begins that is chained, 0 when there is none; end is without the last newline. */
static off_t find_link(int fd, off_t end)
{
	for (;;) {
		off_t start = history_start(fd, end);
		AUTO_JSON cJSON *line = history_read(fd, start, end);
		if (start == 0 || json_string(line, "prev"))
			return start;
		end = start - 1;
	}
}

/* Writes the digest of the bytes from start to end. Returns 0 or -1 with errno. */
static int digest_range(int fd, off_t start, off_t end, char text[DIGEST_TEXT])
{
	struct digest *digest = xrequire(digest_begin("sha256"));
	char block[4096];
	ssize_t got = 0;

	for (; start < end; start += got) {
		size_t wanted = end - start < (off_t)sizeof block ? (size_t)(end - start) : sizeof block;
		got = pread(fd, block, wanted, start);
		if (got <= 0) {
			errno = got ? errno : EIO;
			digest_free(digest);
			return -1;
		}
		digest_add(digest, block, (size_t)got);
	}
	digest_end(digest, text);
	return 0;
}

static int find_tail(int fd, struct tail *ret)
{
	struct stat status;
	char last = '\n';

	if (fstat(fd, &status) || (status.st_size && pread(fd, &last, 1, status.st_size - 1) != 1))
		return -1;
	*ret = (struct tail){.fd = fd, .size = status.st_size, .torn = last != '\n'};
	off_t end = ret->size && !ret->torn ? ret->size - 1 : ret->size;
	return digest_range(fd, find_link(fd, end), end, ret->prev);
}

/* Adds a line, and makes its digest what the next one is chained to. */
static void add_line(struct buf *bytes, const cJSON *line, struct tail *tail)
{
	AUTO_FREE char *text = json_print(line);
	struct digest *digest = xrequire(digest_begin("sha256"));
	size_t start = bytes->length;

	buf_printf(bytes, "{\"prev\":\"%s\",%s", tail->prev, text + 1);
	digest_add(digest, bytes->data + start, bytes->length - start);
	digest_end(digest, tail->prev);
	buf_puts(bytes, "\n");
}

/* Writes all of it, or nothing where that can be had: in a file that may only grow (chattr +a), the next line ends what is torn. */
static int write_lines(const struct root *root, const struct tail *tail, const struct buf *bytes, struct error *error)
{
	if (fs_write_all(tail->fd, bytes->data, bytes->length)) {
		int number = errno;
		(void)!ftruncate(tail->fd, tail->size);
		return error_errno(error, number, "cannot write the history");
	}
	if (fdatasync(tail->fd))
		return error_errno(error, errno, "cannot make the history durable");
	return tail->size ? 0 : fs_sync_directory(root->state, error);
}

int history_append(const struct root *root, const cJSON *lines, struct error *error)
{
	AUTO_CLOSE int lock = root->dry ? -1 : lock_take(root->state, lock_name, WAIT_MS, error);
	AUTO_CLOSE int fd = lock < 0 ? -1 : history_open(root, O_RDWR | O_CREAT | O_APPEND, error);
	AUTO_BUF struct buf bytes = {0};
	struct tail tail;
	const cJSON *line;

	if (root->dry)
		return 0;
	if (fd < 0)
		return -1;
	if (!cJSON_IsArray(lines) && history_is_repeated(root, lines))
		return 0;
	if (find_tail(fd, &tail))
		return error_errno(error, errno, "cannot read the history");
	if (tail.torn)
		buf_puts(&bytes, "\n");
	if (!cJSON_IsArray(lines))
		add_line(&bytes, lines, &tail);
	else
		cJSON_ArrayForEach(line, lines)
			add_line(&bytes, line, &tail);
	return write_lines(root, &tail, &bytes, error);
}
