/* SPDX-License-Identifier: MIT */
#include "deploy/source.h"

#include "alloc.h"
#include "cleanup.h"
#include "deploy/ahead.h"
#include "error.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	SOURCE_BLOCK = 256 * 1024,
	HURRY_FROM = 1 << 20, /* bytes for which it pays to start a thread */
};

/* Not cleared: a small part touches little of it. */
static void *make_buffer(void)
{
	return xreallocarray(NULL, SOURCE_BLOCK, 1);
}

int source_open(struct source *source, int fd, struct error *error)
{
	struct stat status;

	*source = (struct source){.fd = fd};
	if (fstat(fd, &status))
		return error_errno(error, errno, "cannot read the artifact");
	if (!S_ISREG(status.st_mode))
		return error_set(error, ERROR_FILESYSTEM, "the artifact is not a regular file");
	source->size = status.st_size;
	source->buffer = make_buffer();
	return 0;
}

void source_open_part(struct source *source, const struct source *whole, long long begin, long long length)
{
	*source = (struct source){.fd = whole->fd, .begin = whole->begin + begin, .size = length, .buffer = make_buffer()};
}

void source_close(struct source *source)
{
	source_rest(source);
	free(source->buffer);
	source->buffer = NULL;
}

/* Reads up to length bytes. Returns how many; fewer only at the end; or -1. */
static ssize_t read_at(const struct source *source, long long offset, char *bytes, size_t length, struct error *error)
{
	long long left = source->size - offset;
	size_t have = 0;

	if (offset < 0 || left < 0)
		left = 0;
	if ((long long)length > left)
		length = (size_t)left;
	while (have < length) {
		ssize_t got = pread(source->fd, bytes + have, length - have, source->begin + offset + (off_t)have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(error, errno, "cannot read the artifact");
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

static ssize_t fill(void *context, void *bytes, size_t size, struct error *error)
{
	struct source *source = context;
	ssize_t got = read_at(source, source->ahead_offset, bytes, size, error);

	if (got > 0)
		source->ahead_offset += got;
	return got;
}

void source_hurry(struct source *source)
{
	if (source->size - source->offset < HURRY_FROM)
		return;
	source->ahead_offset = source->offset;
	source->ahead = ahead_open(fill, source);
}

void source_rest(struct source *source)
{
	ahead_close(steal_pointer(&source->ahead));
}

static ssize_t read_next(struct source *source, const void **ret_bytes, struct error *error)
{
	if (source->ahead)
		return ahead_read(source->ahead, ret_bytes, error);
	*ret_bytes = source->buffer;
	return read_at(source, source->offset, source->buffer, SOURCE_BLOCK, error);
}

ssize_t source_read(struct source *source, const void **ret_bytes, struct error *error)
{
	ssize_t got = read_next(source, ret_bytes, error);

	if (got > 0)
		source->offset += got;
	return got;
}

int source_peek(const struct source *source, long long offset, void *bytes, size_t length, struct error *error)
{
	ssize_t got = read_at(source, offset, bytes, length, error);

	return got < 0 ? -1 : (size_t)got < length;
}
