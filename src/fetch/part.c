/* SPDX-License-Identifier: MIT */
#include "fetch/part.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "fs.h"
#include "json.h"
#include "lock.h"
#include "log.h"
#include "root/root.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum {
	LIMIT = 65536,
	BLOCK = 256 << 10, /* bytes that are written at once: a call for each piece costs more than copying them together */
	PIECE = 16384,     /* libcurl cuts what it has received into pieces of this size: a smaller one is the last for now */
	PASS_ON = 8 << 20, /* bytes after which the disk begins with them */
	ROOM = PASS_ON,    /* bytes for which the disk is asked for blocks at once */
};

static int fail(const struct part *part, int number, struct error *error)
{
	return error_errno(error, number, "cannot write %s into the cache %s", part->key, part->path);
}

/* True when it may be what an earlier run has left, rather than what somebody has put there to be written to. */
static bool is_part(const struct part *part, const struct stat *status)
{
	return S_ISREG(status->st_mode) && status->st_nlink == 1 && root_trusts(part->root, status);
}

/* True when nobody else can open the file, and so lock it. */
static bool is_private(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && !(status.st_mode & (S_IRWXG | S_IRWXO));
}

static int open_locked(const struct part *part, struct error *error)
{
	struct stat status;

	if (fstatat(part->cache, part->name, &status, AT_SYMLINK_NOFOLLOW) == 0 && !is_part(part, &status) &&
	    fs_remove(part->cache, part->name, error))
		return -1;
	for (int tries = 0; tries < LOCK_TRIES; tries++) {
		AUTO_CLOSE int fd = openat(part->cache, part->name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0)
			return error_errno(error, errno, "cannot create a file in the cache %s", part->path);
		int failed = flock(fd, LOCK_EX | LOCK_NB) ? errno : 0;
		if (failed == EWOULDBLOCK && is_private(fd))
			return error_set(error, ERROR_LOCKED, "another run downloads %s into the cache %s", part->key, part->path);
		if (failed == EWOULDBLOCK && fs_remove(part->cache, part->name, error)) /* anybody may have locked it */
			return -1;
		if (failed && failed != EINTR && failed != EWOULDBLOCK)
			return error_errno(error, failed, "cannot lock a file in the cache %s", part->path);
		if (!failed && fs_is_named(fd, part->cache, part->name, AT_SYMLINK_NOFOLLOW))
			return steal_fd(&fd);
		/* else that run has just published it, or given up */
	}
	return error_errno(error, ESTALE, "cannot lock a file in the cache %s", part->path);
}

/* Reads what tells one boot of the machine from another, "" where the kernel does not. */
static void read_boot(struct buf *boot)
{
	struct error error;

	if (fs_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", LIMIT, boot, &error))
		buf_clear(boot);
	if (boot->length && boot->data[boot->length - 1] == '\n')
		boot->data[--boot->length] = '\0';
}

/* Learns what the bytes that are there belong to, if they can be continued. */
static void read_sidecar(struct part *part)
{
	AUTO_BUF struct buf text = {0}, boot = {0};
	struct error error;

	if (fs_read_file(part->cache, part->sidecar, LIMIT, &text, &error))
		return;
	AUTO_JSON cJSON *sidecar = json_parse(buf_text(&text), text.length, &error);
	read_boot(&boot);
	if (!boot.length || !str_equal(json_string(sidecar, "boot"), buf_text(&boot)) ||
	    !str_equal(json_string(sidecar, "url"), part->url))
		return;
	part->validator = xstrdup(json_string(sidecar, "validator"));
	part->checksum = xstrdup(json_string(sidecar, "checksum"));
}

/* Writes it without making it durable: it counts for this boot only, and one that is damaged is as good as none. */
static int write_sidecar(const struct part *part)
{
	AUTO_JSON cJSON *sidecar = xrequire(cJSON_CreateObject());
	AUTO_BUF struct buf boot = {0};

	read_boot(&boot);
	json_set_string(sidecar, "url", part->url);
	json_set_string(sidecar, "validator", part->validator);
	json_set_string(sidecar, "checksum", part->checksum);
	json_set_string(sidecar, "boot", buf_text(&boot));
	AUTO_FREE char *text = json_print(sidecar);
	AUTO_CLOSE int fd = openat(part->cache, part->sidecar, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? -1 : fs_write_all(fd, text, strlen(text));
}

int part_open(struct part *part, struct error *error)
{
	struct stat status;

	part->name = xasprintf(".%s.part", part->key);
	part->sidecar = xasprintf(".%s.part.json", part->key);
	part->fd = open_locked(part, error);
	if (part->fd < 0)
		return -1;
	read_sidecar(part);
	if (part->validator && fstat(part->fd, &status) == 0)
		part->bytes = status.st_size;
	/* Also to give back what a run asked for ahead that did not come to its end. */
	return ftruncate(part->fd, part->bytes) == 0 ? 0 : fail(part, errno, error);
}

/* Replaces a text by a copy of another one, which may be the same. */
static void replace(char **text, const char *other)
{
	char *copy = xstrdup(other);

	free(*text);
	*text = copy;
}

int part_begin(struct part *part, long long offset, const char *validator, const char *checksum, struct error *error)
{
	if (offset > part->written && part_flush(part, error))
		return -1;
	part->filled = 0;
	if (ftruncate(part->fd, offset) || lseek(part->fd, offset, SEEK_SET) < 0)
		return fail(part, errno, error);
	part->written = part->passed_on = offset;
	part->room = 0;
	replace(&part->validator, validator);
	replace(&part->checksum, checksum);
	if (unlinkat(part->cache, part->sidecar, 0) && errno != ENOENT)
		return fail(part, errno, error);
	if (validator && write_sidecar(part))
		log_debug("Cannot note how to continue the download", "cache_key", part->key, "error", strerror(errno));
	return 0;
}

/* Has the disk begin with what is written, and does not wait: so that little is left to do once the last byte is there. It is no
 * promise: that is what part_publish asks for. */
static void pass_on(struct part *part)
{
#ifdef SYNC_FILE_RANGE_WRITE
	if (part->written - part->passed_on < PASS_ON)
		return;
	(void)!sync_file_range(part->fd, part->passed_on, part->written - part->passed_on, SYNC_FILE_RANGE_WRITE);
	part->passed_on = part->written;
#else
	(void)part;
#endif
}

/* Asks for the blocks of what comes next: taken one by one, as they are written to, they are a quarter of what writing costs. A
 * small artifact does without. Where it cannot be done, or there is no room for so much, it is writing that has to tell. */
static void make_room(struct part *part, size_t length)
{
#ifdef FALLOC_FL_KEEP_SIZE
	if (part->written < ROOM || part->written + (long long)length <= part->room)
		return;
	(void)!fallocate(part->fd, FALLOC_FL_KEEP_SIZE, part->written, ROOM);
	part->room = part->written + ROOM;
#else
	(void)part, (void)length;
#endif
}

static int write_through(struct part *part, const void *bytes, size_t length, struct error *error)
{
	make_room(part, length);
	if (fs_write_all(part->fd, bytes, length))
		return fail(part, errno, error);
	part->written += (long long)length;
	pass_on(part);
	return 0;
}

int part_flush(struct part *part, struct error *error)
{
	size_t length = part->filled;

	part->filled = 0;
	return length ? write_through(part, part->block, length, error) : 0;
}

int part_write(struct part *part, const void *bytes, size_t length, struct error *error)
{
	bool last = length < PIECE;

	if (part->filled + length > BLOCK && part_flush(part, error))
		return -1;
	if (length >= BLOCK || (last && !part->filled))
		return write_through(part, bytes, length, error);
	if (!part->block)
		part->block = xcalloc(1, BLOCK);
	memcpy(part->block + part->filled, bytes, length);
	part->filled += length;
	return last || part->filled == BLOCK ? part_flush(part, error) : 0;
}

ssize_t part_copy(struct part *part, int fd, size_t length, struct error *error)
{
	if (part_flush(part, error))
		return -1;
	ssize_t got = copy_file_range(fd, NULL, part->fd, NULL, length, 0);
	if (got <= 0)
		return 0; /* what is wrong, if anything is, writing tells */
	part->written += got;
	pass_on(part);
	return got;
}

int part_publish(struct part *part, struct error *error)
{
	if (part->room > part->written && ftruncate(part->fd, part->written)) /* gives the rest back */
		return fail(part, errno, error);
	if (fsync(part->fd) || renameat(part->cache, part->name, part->cache, part->key))
		return fail(part, errno, error);
	unlinkat(part->cache, part->sidecar, 0);
	cleanup_close(&part->fd);
	part->fd = -1;
	return fs_sync_directory(part->cache, error);
}

void part_close(struct part *part, bool keep)
{
	struct error unflushed;
	struct stat status;

	if (keep)
		(void)part_flush(part, &unflushed); /* what is written stays right */
	keep = keep && part->validator && part->fd >= 0 && fstat(part->fd, &status) == 0 && status.st_size > 0;
	if (part->fd >= 0 && !keep) {
		unlinkat(part->cache, part->name, 0);
		unlinkat(part->cache, part->sidecar, 0);
	}
	cleanup_close(&part->fd); /* last: nobody else may open the file before it has its state */
	free(part->name);
	free(part->sidecar);
	free(part->validator);
	free(part->checksum);
	free(part->block);
}
