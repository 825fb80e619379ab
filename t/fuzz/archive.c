/* SPDX-License-Identifier: MIT */
/* An artifact that is extracted: nothing outside of its directory changes, and what is in it leads nowhere else. */
#include "fuzz.h"

#include "buf.h"
#include "deploy/extract.h"
#include "error.h"
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static const char release[] = "release", canary[] = "canary";

/* Returns a file that holds the bytes. */
static int artifact(const uint8_t *bytes, size_t length)
{
	int fd = memfd_create("artifact", MFD_CLOEXEC);

	FUZZ_HOLDS(fd >= 0 && fs_write_all(fd, bytes, length) == 0);
	return fd;
}

static int refuse_other(const char *name, void *context)
{
	(void)context;
	FUZZ_HOLDS(strcmp(name, release) == 0 || strcmp(name, canary) == 0);
	return 0;
}

/* Looks at what lies beside the directory of the release. */
static void look_beside(void)
{
	struct error error;
	struct stat status;

	FUZZ_HOLDS(fs_each(fuzz_directory(), refuse_other, NULL, &error) == 0);
	FUZZ_HOLDS(fstatat(fuzz_directory(), canary, &status, AT_SYMLINK_NOFOLLOW) == 0);
	FUZZ_HOLDS(S_ISREG(status.st_mode) && status.st_nlink == 1 && status.st_size == 4 && (status.st_mode & 07777) == 0600);
}

/* A link that leads to nothing, or around in circles, leads to nothing outside. */
static void follow(int dir, const char *path)
{
	const struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH};
	AUTO_CLOSE int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof how);

	FUZZ_HOLDS(fd >= 0 || errno != EXDEV);
}

struct place {
	int root, dir;
	const char *path; /* of dir below root, with a slash at its end */
};

static int judge(const char *name, void *context)
{
	const struct place *above = context;
	AUTO_BUF struct buf path = {0};
	struct error error;
	struct stat status;

	buf_printf(&path, "%s%s", above->path, name);
	FUZZ_HOLDS(fstatat(above->dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0);
	FUZZ_HOLDS(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISLNK(status.st_mode));
	FUZZ_HOLDS(S_ISLNK(status.st_mode) || !(status.st_mode & 07000));
	if (S_ISLNK(status.st_mode))
		follow(above->root, buf_text(&path));
	if (!S_ISDIR(status.st_mode))
		return 0;
	buf_puts(&path, "/");
	AUTO_CLOSE int dir = openat(above->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct place below = {above->root, dir, buf_text(&path)};
	return dir < 0 ? 0 : fs_each(dir, judge, &below, &error);
}

/* The name promises something for every other length. */
static const char *name_for(size_t length)
{
	static const char *const names[] = {"app", "app.tar.gz", "app", "app.jar", "app", "app.zip"};

	return names[length % (sizeof names / sizeof *names)];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const struct extract_limits limits = {.entries = 100, .bytes = 1 << 20, .ratio = 100};
	AUTO_CLOSE int fd = artifact(bytes, length);
	struct extract_result result;
	struct error error;

	fuzz_file(canary, "safe", 4);
	FUZZ_HOLDS(fs_make_directory(fuzz_directory(), release, 0700, &error) == 0);
	AUTO_CLOSE int dir = fs_open_directory(fuzz_directory(), release, &error);
	FUZZ_HOLDS(dir >= 0);
	int failed = extract_archive(fd, name_for(length), dir, &limits, &result, &error);
	struct place place = {dir, dir, ""};
	FUZZ_HOLDS(fs_each(dir, judge, &place, &error) == 0);
	look_beside();
	if (!failed) {
		FUZZ_HOLDS(result.entries <= limits.entries && result.bytes <= limits.bytes);
		FUZZ_HOLDS(extract_compare(fd, name_for(length), dir, &limits, &error) == 1);
	}
	FUZZ_HOLDS(fs_remove(fuzz_directory(), release, &error) == 0);
	return 0;
}
