/* SPDX-License-Identifier: MIT */
#include "fetch/fetch.h"

#include "alloc.h"
#include "buf.h"
#include "digest.h"
#include "error.h"
#include "fs.h"
#include "log.h"
#include "registry/registry.h"
#include "root/release.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

struct fetch {
	const struct stage_run *run;
	int cache;          /* the cache directory */
	char *path;         /* its path */
	const char *key;    /* name of the artifact in the cache */
	long long size;     /* what is expected, -1 when unknown */
	const char *digest; /* what is expected, NULL when unknown */
};

#define AUTO_FETCH AUTO(free_fetch)

static void free_fetch(struct fetch *fetch)
{
	cleanup_close(&fetch->cache);
	free(fetch->path);
}

/* What is known of a file that was read from its start to its end. */
struct content {
	long long bytes;
	char digest[DIGEST_TEXT];
};

/* Compares a file with what is expected of the artifact. Returns 0, or -1 with ERROR_INTEGRITY. */
static int verify(const struct fetch *fetch, const struct content *content, struct error *error)
{
	if (fetch->size >= 0 && content->bytes != fetch->size)
		return error_set(error, ERROR_INTEGRITY, "%s has %lld bytes instead of %lld", fetch->key, content->bytes,
				 fetch->size);
	if (fetch->digest && !str_equal(content->digest, fetch->digest))
		return error_set(error, ERROR_INTEGRITY, "%s has the digest %s instead of %s", fetch->key, content->digest,
				 fetch->digest);
	return 0;
}

static int check_limit(const struct fetch *fetch, long long bytes, struct error *error)
{
	long long most = option_number(fetch->run->options, OPT_MAX_SIZE);

	if (bytes <= most)
		return 0;
	error_set(error, ERROR_INTEGRITY, "%s has more than the %lld bytes that --max-size allows", fetch->key, most);
	return error_hint(error, "give a larger --max-size if the artifact is meant to be that large");
}

/* Looks for the artifact in the cache. Returns 0 when it is there as expected; 1 when it is not; or -1. */
static int look_into_cache(const struct fetch *fetch, struct content *ret, struct error *error)
{
	AUTO_CLOSE int fd = openat(fetch->cache, fetch->key, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	if (fd < 0 && (errno == ENOENT || errno == ELOOP))
		return 1;
	if (fd < 0 || fstat(fd, &status))
		return error_errno(error, errno, "cannot open %s/%s", fetch->path, fetch->key);
	if (!S_ISREG(status.st_mode) || (fetch->size >= 0 && status.st_size != fetch->size))
		return 1;
	ret->bytes = status.st_size;
	if (digest_file(fd, ret->digest, error))
		return error_in(error, "%s/%s", fetch->path, fetch->key);
	if (verify(fetch, ret, error) == 0)
		return 0;
	log_warn("The artifact in the cache is damaged", "cache_key", fetch->key, "error", error->message);
	return 1;
}

/* A download under way. */
struct download {
	const struct fetch *fetch;
	int fd;
	struct digest *digest;
	long long bytes;
};

static int begin(void *context, const struct registry_part *part, struct error *error)
{
	(void)context, (void)part, (void)error;
	return 0;
}

static int receive(void *context, const void *bytes, size_t length, struct error *error)
{
	struct download *download = context;

	download->bytes += (long long)length;
	if (check_limit(download->fetch, download->bytes, error))
		return -1;
	digest_add(download->digest, bytes, length);
	if (fs_write_all(download->fd, bytes, length))
		return error_errno(error, errno, "cannot write %s into the cache %s", download->fetch->key, download->fetch->path);
	return 0;
}

/* Reads the artifact from its registry into fd. */
static int read_registry(const struct fetch *fetch, int fd, struct content *ret, struct error *error)
{
	const cJSON *document = fetch->run->document;
	AUTO_REGISTRY struct registry registry = {0};
	AUTO_URL struct url url = {0};
	struct download download = {.fetch = fetch, .fd = fd};

	if (registry_open(&registry, json_string(document, "registry"), fetch->run->options, fetch->run->root, error) ||
	    url_parse(&url, json_string(document, "artifact.url"), error) || registry_owns(&registry, &url, error))
		return -1;
	download.digest = digest_begin("sha256");
	if (registry.ops->fetch(&registry, &url, &(struct registry_resume){0}, &(struct registry_sink){begin, receive, &download}, error)) {
		digest_free(download.digest);
		return -1;
	}
	digest_end(download.digest, ret->digest);
	ret->bytes = download.bytes;
	return 0;
}

static int check_space(const struct fetch *fetch, struct error *error)
{
	long long space = fs_free_space(fetch->cache);

	if (fetch->size <= space)
		return 0;
	return error_set(error, ERROR_SPACE, "%s needs %lld bytes, and the cache %s has room for %lld", fetch->key, fetch->size,
			 fetch->path, space);
}

/* Fills the open file of that name, verifies it, and publishes it under its key. */
static int fill_and_publish(const struct fetch *fetch, int fd, const char *part, struct content *ret, struct error *error)
{
	if (read_registry(fetch, fd, ret, error) || verify(fetch, ret, error))
		return -1;
	if (fsync(fd) || renameat(fetch->cache, part, fetch->cache, fetch->key))
		return error_errno(error, errno, "cannot write %s into the cache %s", fetch->key, fetch->path);
	return fs_sync_directory(fetch->cache, error);
}

/* True when the open file is the one that name stands for in the cache. */
static bool is_named(const struct fetch *fetch, int fd, const char *name)
{
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && fstatat(fetch->cache, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/* Opens the empty file beside the key, which a run that was killed may have left, and locks it: runs for two ROOTs may share the
 * cache. Returns a descriptor, or -1 with ERROR_LOCKED while another run downloads the same artifact. */
static int open_part(const struct fetch *fetch, const char *part, struct error *error)
{
	struct stat status;

	if (fstatat(fetch->cache, part, &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(status.st_mode) &&
	    fs_remove(fetch->cache, part, error))
		return -1;
	for (;;) {
		AUTO_CLOSE int fd = openat(fetch->cache, part, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (fd < 0)
			return error_errno(error, errno, "cannot create a file in the cache %s", fetch->path);
		if (flock(fd, LOCK_EX | LOCK_NB))
			return error_set(error, ERROR_LOCKED, "another run downloads %s into the cache %s", fetch->key, fetch->path);
		if (!is_named(fetch, fd, part))
			continue; /* that run has just published it, or given up */
		if (ftruncate(fd, 0))
			return error_errno(error, errno, "cannot empty a file in the cache %s", fetch->path);
		return steal_fd(&fd);
	}
}

/* Downloads into a file beside the key. */
static int download(const struct fetch *fetch, struct content *ret, struct error *error)
{
	AUTO_FREE char *part = xasprintf(".%s.part", fetch->key);

	if ((fetch->size >= 0 && check_limit(fetch, fetch->size, error)) || check_space(fetch, error))
		return -1;
	AUTO_CLOSE int fd = open_part(fetch, part, error);
	if (fd < 0)
		return -1;
	if (fill_and_publish(fetch, fd, part, ret, error)) {
		unlinkat(fetch->cache, part, 0);
		return -1;
	}
	log_info("Cached artifact", "cache_key", fetch->key);
	document_notice(fetch->run->document, "fetch", NOTICE_PROGRESS, "Downloaded artifact for %s",
			json_string(fetch->run->document, "release.version"));
	return 0;
}

/* True when the wanted release is the deployed one, and its directory is there. */
static bool is_deployed(const struct fetch *fetch)
{
	const cJSON *document = fetch->run->document;
	const struct root *root = fetch->run->root;
	const char *path = json_string(document, "previous.path"), *name = path ? strrchr(path, '/') : NULL;
	struct stat status;

	if (!name || json_true(document, "forced") || !str_equal(json_string(document, "previous.cache_key"), fetch->key) ||
	    !release_is_name(name + 1))
		return false;
	AUTO_FREE char *expected = release_path(root, name + 1);
	return str_equal(path, expected) && fstatat(root->releases, name + 1, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(status.st_mode);
}

static void describe(const struct fetch *fetch, const struct content *content, bool from_cache)
{
	cJSON *document = fetch->run->document, *verified = xrequire(cJSON_CreateArray());
	AUTO_FREE char *path = xasprintf("%s/%s", fetch->path, fetch->key);

	if (fetch->size >= 0)
		cJSON_AddItemToArray(verified, xrequire(cJSON_CreateString("size")));
	if (fetch->digest)
		cJSON_AddItemToArray(verified, xrequire(cJSON_CreateString("sha256")));
	json_set_number(document, "fetch.bytes", content->bytes);
	json_set_bool(document, "fetch.from_cache", from_cache);
	json_set(document, "fetch.verified", verified);
	json_set_string(document, "fetch.path", path);
	json_set_number(document, "artifact.size", content->bytes);
	json_set_string(document, "artifact.digest", content->digest); /* last: what is expected may belong to the document */
}

/* The key becomes the name of a file: it is what dewy-check makes of version and name, and nothing else. */
static int check_key(const cJSON *document, const char *key, struct error *error)
{
	AUTO_FREE char *expected =
		xasprintf("%s--%s", json_string(document, "release.version"), json_string(document, "artifact.name"));

	if (str_equal(key, expected))
		return 0;
	return error_set(error, ERROR_DOCUMENT, "the member artifact.cache_key of the document is %s instead of %s", key, expected);
}

static int open_fetch(struct fetch *fetch, const struct stage_run *run, struct error *error)
{
	fetch->run = run;
	fetch->key = json_string(run->document, "artifact.cache_key");
	fetch->size = json_number(run->document, "artifact.size", -1);
	fetch->digest = json_string(run->document, "artifact.digest");
	if (check_key(run->document, fetch->key, error))
		return -1;
	fetch->cache = root_open_cache(run->root, option_string(run->options, OPT_CACHE), &fetch->path, error);
	return fetch->cache < 0 ? -1 : 0;
}

static int run(struct stage_run *run, struct error *error)
{
	AUTO_FETCH struct fetch fetch = {.cache = -1};
	struct content content = {0};

	if (open_fetch(&fetch, run, error))
		return -1;
	int missing = look_into_cache(&fetch, &content, error);
	if (missing < 0)
		return -1;
	if (missing && download(&fetch, &content, error)) {
		if (!is_deployed(&fetch))
			return -1;
		log_warn("The artifact is not to be had: the deployed release has to do", "error", error->message);
	} else {
		describe(&fetch, &content, !missing);
	}
	document_set_state(run->document, STATE_FETCHED, NULL);
	return 0;
}

const struct stage fetch_stage = {
	.tool =
		{
			.name = "dewy-fetch",
			.operands = "",
			.summary = "Downloads the artifact into the cache and verifies it",
		},
	.name = "fetch",
	.user = FETCH,
	.acts_on = 1u << STATE_AVAILABLE,
	.takes_lock = true,
	.run = run,
};
