/* SPDX-License-Identifier: MIT */
/* file:///DIR: DIR/VERSION/ARTIFACT. Below DIR no symbolic link is followed. */
#include "registry/registry.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "fs.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
	BLOCK = 262144,    /* bytes that are read, */
	STRETCH = 1 << 20, /* and that are copied, at once */
};

static int fail(struct error *error, int number, const char *what, const char *path)
{
	error_set(error, ERROR_REGISTRY, "cannot %s %s: %s", what, path, strerror(number));
	if (number == ENOENT || number == ENOTDIR)
		return error_hint(error, "create the directory, or correct the registry URL");
	return error_hint(error, "let the user that runs dewy read the directory and its files");
}

static int check(const struct registry *registry, struct error *error)
{
	if (*registry->url.authority) {
		error_set(error, ERROR_CONFIG, "expected file:///DIR with the absolute path of a directory");
		return error_hint(error, "write three slashes: file:///%s%s", registry->url.authority, registry->url.path);
	}
	if (!*registry->url.path) {
		error_set(error, ERROR_CONFIG, "it names no directory");
		return error_hint(error, "write file:///DIR with the absolute path of a directory");
	}
	return 0;
}

/* Opens the directory of a version. */
static int open_version(const struct registry *registry, const char *version, struct error *error)
{
	AUTO_FREE char *path = xasprintf("%s/%s", registry->url.path, version);

	if (!str_is_file_name(version))
		return error_set(error, ERROR_REGISTRY, "the version %s is no plain file name", version);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? fd : fail(error, errno, "open the directory", path);
}

/* True for a directory that is not hidden; asks the file system only where the entry does not tell. */
static bool is_version_entry(DIR *directory, const struct dirent *entry)
{
	struct stat status;

	if (entry->d_name[0] == '.')
		return false;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

static int list(struct registry *registry, int (*visit)(const struct release *release, void *context, struct error *error),
		void *context, struct error *error)
{
	AUTO_CLOSEDIR DIR *directory = opendir(registry->url.path);

	if (!directory)
		return fail(error, errno, "open the directory", registry->url.path);
	for (;;) {
		errno = 0;
		struct dirent *entry = readdir(directory);
		if (!entry)
			return errno ? fail(error, errno, "list the directory", registry->url.path) : 0;
		struct release release = {.version = entry->d_name};
		if (is_version_entry(directory, entry) && visit(&release, context, error))
			return -1;
	}
}

static char *artifact_url(const struct registry *registry, const char *version, const char *name)
{
	AUTO_FREE char *path = xasprintf("%s/%s/%s", registry->url.path, version, name);
	AUTO_BUF struct buf url = {0};

	buf_puts(&url, "file://");
	url_add_encoded(&url, path, "/");
	return buf_steal(&url);
}

/* Returns what tells one content of a file from another; the caller frees it. */
static char *revision_of(const struct stat *status)
{
	return xasprintf("%llx-%llx-%llx.%09ld", (unsigned long long)status->st_ino, (unsigned long long)status->st_size,
			 (unsigned long long)status->st_mtim.tv_sec, status->st_mtim.tv_nsec);
}

/* What the visit of one file after the other fills in. */
struct gathering {
	const struct registry *registry;
	const char *version;
	struct artifact_list *list;
	int dir;
	time_t oldest; /* 0 before the first file */
};

static int gather(const char *name, void *context)
{
	struct gathering *gathering = context;
	struct stat status;

	if (!str_is_file_name(name) || fstatat(gathering->dir, name, &status, AT_SYMLINK_NOFOLLOW) || !S_ISREG(status.st_mode))
		return 0;
	if (!gathering->oldest || status.st_mtime < gathering->oldest)
		gathering->oldest = status.st_mtime;
	AUTO_FREE char *file = xstrdup(name), *url = artifact_url(gathering->registry, gathering->version, name);
	AUTO_FREE char *revision = revision_of(&status);
	artifact_list_add(gathering->list,
			  &(struct artifact){.name = file, .url = url, .revision = revision, .size = status.st_size});
	return 0;
}

static int artifacts(struct registry *registry, struct release *release, struct artifact_list *ret_list, struct error *error)
{
	AUTO_CLOSE int dir = open_version(registry, release->version, error);
	struct gathering gathering = {.registry = registry, .version = release->version, .list = ret_list, .dir = dir};
	struct stat status;

	if (dir < 0)
		return -1;
	if (fs_each(dir, gather, &gathering, error)) {
		error->code = ERROR_REGISTRY;
		return error_in(error, "%s/%s", registry->url.path, release->version);
	}
	if (!gathering.oldest && fstat(dir, &status) == 0)
		gathering.oldest = status.st_mtime;
	release->published_at = gathering.oldest;
	return 0;
}

/* Opens the artifact at a URL that registry_owns. Returns a descriptor, or -1. */
static int open_artifact(const struct registry *registry, const struct url *url, struct error *error)
{
	const char *version = url->path + strlen(registry->url.path) + 1;
	const char *slash = strchr(version, '/');
	struct stat status;

	if (!slash || !str_is_file_name(slash + 1))
		return error_set(error, ERROR_DOCUMENT, "%s is not the path of an artifact: expected DIR/VERSION/ARTIFACT",
				 url->path);
	AUTO_FREE char *directory = xstrndup(version, (size_t)(slash - version));
	AUTO_CLOSE int dir = open_version(registry, directory, error);
	if (dir < 0)
		return -1;
	AUTO_CLOSE int fd = openat(dir, slash + 1, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		error_set(error, ERROR_NOT_FOUND, "%s is not there, or not any more", url->path);
		return error_hint(error, "start again from dewy-check; publish the artifact again if it is gone");
	}
	if (fd < 0)
		return fail(error, errno, "open", url->path);
	if (fstat(fd, &status) || !S_ISREG(status.st_mode))
		return error_set(error, ERROR_REGISTRY, "%s is no regular file", url->path);
	return steal_fd(&fd);
}

static int begin(int fd, const struct registry_resume *resume, const struct registry_sink *sink, struct error *error)
{
	static const char *const no_checksums[] = {NULL};
	struct stat status;
	AUTO_FREE char *validator = fstat(fd, &status) ? NULL : revision_of(&status);
	bool same = validator && str_equal(validator, resume->validator) && lseek(fd, resume->offset, SEEK_SET) >= 0;
	const struct registry_part part = {
		.offset = same ? resume->offset : 0,
		.validator = validator,
		.checksums = no_checksums,
	};

	return sink->begin(sink->context, &part, error);
}

/* Has copied what can be: the kernel shares the bytes of the two files where their file system can do that, until one of them
 * changes. Returns 0 or -1. */
static int copy(int fd, const struct registry_sink *sink, struct error *error)
{
	ssize_t copied = sink->copy ? 1 : 0;

	while (copied > 0)
		copied = sink->copy(sink->context, fd, STRETCH, error);
	return copied < 0 ? -1 : 0;
}

static int fetch(struct registry *registry, const struct url *url, const struct registry_resume *resume,
		 const struct registry_sink *sink, struct error *error)
{
	AUTO_CLOSE int fd = registry_owns(registry, url, error) ? -1 : open_artifact(registry, url, error);
	AUTO_FREE char *block = xcalloc(1, BLOCK);

	if (fd < 0 || begin(fd, resume, sink, error) || copy(fd, sink, error))
		return -1;
	for (;;) {
		ssize_t got = read(fd, block, BLOCK);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail(error, errno, "read", url->path);
		if (got == 0)
			return 0;
		if (sink->write(sink->context, block, (size_t)got, error))
			return -1;
	}
}

static int report(struct registry *registry, const char *version, const char *name, const char *text, struct error *error)
{
	AUTO_CLOSE int dir = open_version(registry, version, error);

	if (dir < 0)
		return -1;
	if (!str_is_file_name(name))
		return error_set(error, ERROR_REGISTRY, "the audit record %s is no plain file name", name);
	if (faccessat(dir, ".", W_OK | X_OK, AT_EACCESS) && (errno == EACCES || errno == EROFS || errno == EPERM))
		return 1;
	return fs_write_file(dir, name, 0644, text, strlen(text), error);
}

static const char *const no_parameters[] = {NULL};

const struct registry_ops file_registry = {
	.scheme = "file",
	.parameters = no_parameters,
	.check = check,
	.list = list,
	.artifacts = artifacts,
	.fetch = fetch,
	.report = report,
};
