/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include "alloc.h"
#include "error.h"
#include "fs.h"
#include "log.h"
#include "str.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char directory[4096];
static int directory_fd = -1;

/* An inherited HOME or token would be read as if it were part of the input. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	const char *where = getenv("TMPDIR");
	snprintf(directory, sizeof directory, "%s/dewy-fuzz-XXXXXX", where ? where : "/tmp");
	clearenv();
	log_configure(LOG_ERROR, LOG_TEXT);
	return 0;
}

void fuzz_holds(bool holds, const char *promise, const char *file, int line)
{
	if (holds)
		return;
	fprintf(stderr, "%s:%d: broken: %s\n", file, line, promise);
	abort();
}

char *fuzz_text(const uint8_t *bytes, size_t length)
{
	return xstrndup(length ? (const char *)bytes : "", strnlen((const char *)bytes, length));
}

void fuzz_parts_cut(struct fuzz_parts *parts, const uint8_t *bytes, size_t length, char at)
{
	const size_t most = sizeof parts->items / sizeof *parts->items - 1;

	*parts = (struct fuzz_parts){0};
	while (length && parts->count < most) {
		const uint8_t *end = parts->count + 1 < most ? memchr(bytes, at, length) : NULL;
		size_t part = end ? (size_t)(end - bytes) : length;
		parts->items[parts->count++] = fuzz_text(bytes, part);
		part += end != NULL;
		bytes += part;
		length -= part;
	}
}

void fuzz_parts_free(struct fuzz_parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		free(parts->items[i]);
}

const char *fuzz_part(const struct fuzz_parts *parts, size_t index)
{
	return index < parts->count ? parts->items[index] : "";
}

bool fuzz_is_clean(const char *text)
{
	for (size_t length; *text; text += length) {
		length = str_utf8_length(text);
		if (!length || str_control(text))
			return false;
	}
	return true;
}

static void remove_directory(void)
{
	struct error ignored;

	fs_remove(AT_FDCWD, directory, &ignored);
}

int fuzz_directory(void)
{
	if (directory_fd < 0) {
		FUZZ_HOLDS(mkdtemp(directory) != NULL);
		directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		atexit(remove_directory);
	}
	return directory_fd;
}

const char *fuzz_directory_path(void)
{
	fuzz_directory();
	return directory;
}

void fuzz_file(const char *name, const void *bytes, size_t length)
{
	int dir = fuzz_directory();

	unlinkat(dir, name, 0); /* it may have been replaced by a link of a second name */
	AUTO_CLOSE int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FUZZ_HOLDS(fd >= 0 && fs_write_all(fd, bytes, length) == 0);
}

const struct root *fuzz_root(void)
{
	static const struct root root = {.path = (char *)"/srv/myapp", .fd = -1, .state = -1, .releases = -1};

	return &root;
}

struct root *fuzz_root_with_state(void)
{
	static struct root root = {.path = directory, .releases = -1};

	root.fd = root.state = fuzz_directory();
	return &root;
}
