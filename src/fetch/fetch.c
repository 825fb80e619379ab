/* SPDX-License-Identifier: MIT */
#include "fetch/fetch.h"

#include "alloc.h"
#include "error.h"
#include "fetch/checksums.h"
#include "fetch/expected.h"
#include "fetch/part.h"
#include "fetch/progress.h"
#include "fs.h"
#include "log.h"
#include "registry/registry.h"
#include "root/history_chain.h"
#include "root/rejected.h"
#include "root/release.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct fetch {
	const struct stage_run *run;
	int cache;       /* the cache directory */
	char *path;      /* its path */
	const char *key; /* name of the artifact in the cache */
	struct expected expected;
	char rejected[DIGEST_TEXT]; /* digest of what was rejected under the same version, "" for none */
	bool off, required;       /* --verify-checksum */
	struct registry registry; /* opened when it is first needed */
};

#define AUTO_FETCH AUTO(free_fetch)

static void free_fetch(struct fetch *fetch)
{
	cleanup_close(&fetch->cache);
	free(fetch->path);
	expected_free(&fetch->expected);
	registry_close(&fetch->registry);
}

static int check_limit(const struct fetch *fetch, long long bytes, struct error *error)
{
	long long most = option_number(fetch->run->options, OPT_MAX_SIZE);

	if (bytes <= most)
		return 0;
	error_set(error, ERROR_INTEGRITY, "%s has more than the %lld bytes that --max-size allows", fetch->key, most);
	return error_hint(error, "give a larger --max-size if the artifact is meant to be that large");
}

static int open_registry(struct fetch *fetch, struct error *error)
{
	const struct stage_run *run = fetch->run;

	if (fetch->registry.ops)
		return 0;
	return registry_open(&fetch->registry, json_string(run->document, "registry"), run->options, run->root, error);
}

/* Asks the checksum files of the release when the registry itself tells too little. */
static int learn_checksums(struct fetch *fetch, struct error *error)
{
	const cJSON *document = fetch->run->document;

	if (fetch->off || expected_is_strong(&fetch->expected))
		return 0;
	if (open_registry(fetch, error))
		return -1;
	return checksums_learn(&fetch->registry, json_get(document, "artifact.checksum_urls"),
			       json_string(document, "artifact.name"), &fetch->expected, error);
}

static bool is_rejected(const struct fetch *fetch, const struct content *content)
{
	return *fetch->rejected && str_equal(content->digests[0], fetch->rejected);
}

/* Looks for the artifact in the cache. Returns 0 when it is there as expected; 1 when it is not, is outdated, or is what was
 * rejected, so that the registry has to show whether it holds another one now; or -1. */
static int look_into_cache(const struct fetch *fetch, struct content *ret, struct error *error)
{
	AUTO_CLOSE int fd = openat(fetch->cache, fetch->key, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_HASHING struct hashing hashing = {0};
	struct stat status;

	if (fd < 0 && (errno == ENOENT || errno == ELOOP))
		return 1;
	if (!*fetch->expected.digests[BY_REGISTRY] && release_is_outdated(fetch->run->root, fetch->run->document))
		return 1;
	if (fd < 0 || fstat(fd, &status))
		return error_errno(error, errno, "cannot open %s/%s", fetch->path, fetch->key);
	if (!S_ISREG(status.st_mode) || (fetch->expected.size >= 0 && status.st_size != fetch->expected.size))
		return 1;
	hashing_begin(&hashing, &fetch->expected);
	if (hashing_add_file(&hashing, fd, -1, error))
		return error_in(error, "%s/%s", fetch->path, fetch->key);
	hashing_end(&hashing, ret);
	if (is_rejected(fetch, ret))
		return 1;
	if (expected_compare(&fetch->expected, ret, fetch->key, error) == 0)
		return 0;
	log_warn("The artifact in the cache is damaged", "cache_key", fetch->key, "error", error->message);
	return 1;
}

/* A download under way. */
struct download {
	struct fetch *fetch;
	struct part *part;
	struct hashing hashing;
	struct progress progress;
};

/* Takes the first checksum that can be computed here, or keeps the one that was told with the beginning; refuses to go on when it
 * takes more. */
static int expect_of_service(struct fetch *fetch, const struct registry_part *begun, struct error *error)
{
	bool known = begun->offset > 0 && *fetch->expected.digests[BY_SERVICE];

	if (fetch->off)
		return 0;
	for (const char *const *checksum = begun->checksums; *checksum && !known; checksum++)
		known = expected_set(&fetch->expected, BY_SERVICE, *checksum);
	if (!known)
		expected_set(&fetch->expected, BY_SERVICE, "");
	if (!fetch->required || expected_is_strong(&fetch->expected))
		return 0;
	error_set(error, ERROR_INTEGRITY,
		  "neither the registry nor a checksum file of the release tells the SHA-256 or SHA-512 of %s",
		  json_string(fetch->run->document, "artifact.name"));
	return error_hint(error, "publish a checksum file beside it, for example SHA256SUMS, or give --verify-checksum auto");
}

/* Hashes what an earlier run has left before the offset: reading it costs less than keeping a digest across runs. */
static int hash_beginning(struct download *download, long long offset, struct error *error)
{
	const struct fetch *fetch = download->fetch;

	hashing_begin(&download->hashing, &fetch->expected);
	if (hashing_add_file(&download->hashing, download->part->fd, offset, error))
		return error_in(error, "%s/%s", fetch->path, download->part->name);
	return 0;
}

/* What this run itself has received before a break is hashed already, unless the service tells another checksum now. */
static int begin(void *context, const struct registry_part *begun, struct error *error)
{
	struct download *download = context;
	struct fetch *fetch = download->fetch;
	const char *checksum = fetch->expected.digests[BY_SERVICE];
	AUTO_FREE char *before = xstrdup(checksum);

	if (expect_of_service(fetch, begun, error) ||
	    part_begin(download->part, begun->offset, begun->validator, *checksum ? checksum : NULL, error))
		return -1;
	bool hashed = begun->offset > 0 && begun->offset == download->hashing.bytes && str_equal(checksum, before);
	if (!hashed && hash_beginning(download, begun->offset, error))
		return -1;
	progress_start_at(&download->progress, begun->offset);
	return 0;
}

static int receive(void *context, const void *bytes, size_t length, struct error *error)
{
	struct download *download = context;

	hashing_add(&download->hashing, bytes, length);
	if (check_limit(download->fetch, download->hashing.bytes, error) || part_write(download->part, bytes, length, error))
		return -1;
	progress_show(&download->progress, download->hashing.bytes);
	return 0;
}

/* Reads the artifact from its registry into the part. */
static int read_registry(struct fetch *fetch, struct part *part, struct content *ret, struct error *error)
{
	const cJSON *document = fetch->run->document;
	AUTO_URL struct url url = {0};
	struct download download = {.fetch = fetch, .part = part};
	const struct registry_sink sink = {.begin = begin, .write = receive, .context = &download};
	bool begun = part->bytes && (fetch->expected.size < 0 || part->bytes < fetch->expected.size);
	const struct registry_resume resume = {.offset = begun ? part->bytes : 0, .validator = begun ? part->validator : NULL};

	if (url_parse(&url, part->url, error) || registry_owns(&fetch->registry, &url, error))
		return -1;
	if (begun && part->checksum && !fetch->off)
		expected_set(&fetch->expected, BY_SERVICE, part->checksum);
	if (begun)
		log_debug("Resuming the download", "cache_key", fetch->key);
	progress_begin(&download.progress, option_string(fetch->run->options, OPT_PROGRESS), json_string(document, "artifact.name"),
		       fetch->key, fetch->expected.size);
	hashing_begin(&download.hashing, &fetch->expected);
	int result = fetch->registry.ops->fetch(&fetch->registry, &url, &resume, &sink, error);
	progress_end(&download.progress);
	hashing_end(&download.hashing, ret);
	return result;
}

static int check_space(const struct fetch *fetch, long long there, struct error *error)
{
	long long space = fs_free_space(fetch->cache);

	if (fetch->expected.size - there <= space)
		return 0;
	return error_set(error, ERROR_SPACE, "%s needs %lld bytes, and the cache %s has room for %lld", fetch->key,
			 fetch->expected.size - there, fetch->path, space);
}

/* True for a failure that may pass, so that what has come is worth keeping. */
static bool may_pass(const struct error *error)
{
	return error_status(error->code) == error_status(ERROR_NETWORK) && error->code != ERROR_NOT_FOUND;
}

/* Fills the part, verifies it, and publishes it under its key. */
static int fill_and_publish(struct fetch *fetch, struct part *part, struct content *ret, struct error *error)
{
	if (part_open(part, error) || check_space(fetch, part->bytes, error))
		return -1;
	if (read_registry(fetch, part, ret, error) || expected_compare(&fetch->expected, ret, fetch->key, error))
		return -1;
	return part_publish(part, error);
}

/* Downloads into a file beside the key. */
static int download(struct fetch *fetch, struct content *ret, struct error *error)
{
	const cJSON *document = fetch->run->document;
	struct part part = {
		.cache = fetch->cache, .path = fetch->path, .key = fetch->key, .url = json_string(document, "artifact.url")};

	if ((fetch->expected.size >= 0 && check_limit(fetch, fetch->expected.size, error)) || open_registry(fetch, error) ||
	    learn_checksums(fetch, error))
		return -1;
	int result = fill_and_publish(fetch, &part, ret, error);
	part_close(&part, result && may_pass(error));
	if (result)
		return -1;
	if (!fetch->off && !expected_is_strong(&fetch->expected))
		log_debug("Nothing tells the SHA-256 or SHA-512 of the artifact", "cache_key", fetch->key);
	log_info("Cached artifact", "cache_key", fetch->key);
	document_notice(fetch->run->document, "fetch", NOTICE_PROGRESS, "Downloaded artifact for %s",
			json_string(document, "release.version"));
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
	cJSON *document = fetch->run->document;
	AUTO_FREE char *path = xasprintf("%s/%s", fetch->path, fetch->key);

	json_set_number(document, "fetch.bytes", content->bytes);
	json_set_bool(document, "fetch.from_cache", from_cache);
	json_set(document, "fetch.verified", expected_names(&fetch->expected));
	json_set_string(document, "fetch.path", path);
	json_set_number(document, "artifact.size", content->bytes);
	json_set_string(document, "artifact.digest", content->digests[0]);
}

/* The key becomes the name of a file: it is what dewy-check makes of version and name, and nothing else. */
static int check_key(const cJSON *document, const char *key, struct error *error)
{
	AUTO_FREE char *expected =
		xasprintf("%s--%s", json_string(document, "release.version"), json_string(document, "artifact.name"));

	if (!str_equal(key, expected))
		return error_set(error, ERROR_DOCUMENT, "the member artifact.cache_key of the document is %s instead of %s", key,
				 expected);
	return root_is_cache_key(key) ? 0 : error_set(error, ERROR_DOCUMENT, "%s is no file name that the cache could take", key);
}

/* Finds out what was rejected under this version. What is deployed is taken up all the same: a run that was killed has rejected it,
 * and did not get to switching back. Returns 0 or -1. */
static int recall_rejected(struct fetch *fetch, struct error *error)
{
	const cJSON *document = fetch->run->document;

	if (json_true(document, "forced") || is_deployed(fetch))
		return 0;
	AUTO_JSON cJSON *rejected = rejected_read(fetch->run->root, error);
	const char *digest = json_string(rejected_find(rejected, json_string(document, "release.version")), "digest");
	snprintf(fetch->rejected, sizeof fetch->rejected, "%s", digest ? digest : "");
	return rejected ? 0 : -1;
}

static int open_fetch(struct fetch *fetch, const struct stage_run *run, struct error *error)
{
	const char *digest = json_string(run->document, "artifact.digest");
	const char *verify = option_string(run->options, OPT_VERIFY_CHECKSUM);

	fetch->run = run;
	fetch->key = json_string(run->document, "artifact.cache_key");
	fetch->expected.size = json_number(run->document, "artifact.size", -1);
	fetch->off = str_equal(verify, "off");
	fetch->required = str_equal(verify, "required");
	if (digest && !fetch->off)
		expected_set(&fetch->expected, BY_REGISTRY, digest);
	if (check_key(run->document, fetch->key, error) || recall_rejected(fetch, error))
		return -1;
	fetch->cache = root_open_cache(run->root, option_string(run->options, OPT_CACHE), &fetch->path, error);
	return fetch->cache < 0 ? -1 : 0;
}

/* Gets the artifact out of the cache or the registry. What is in the cache was verified when it came; --verify-checksum=required
 * does not trust that. Returns 0; 1 when it is what was rejected before; or -1. */
static int get(struct fetch *fetch, struct error *error)
{
	struct content content = {0};

	if (fetch->required && learn_checksums(fetch, error))
		return -1;
	int missing = fetch->required && !expected_is_strong(&fetch->expected) ? 1 : look_into_cache(fetch, &content, error);
	if (missing < 0 || (missing && download(fetch, &content, error)))
		return -1;
	describe(fetch, &content, !missing);
	return is_rejected(fetch, &content);
}

/* What came is what was rejected: that is remembered, so that nobody downloads it a third time. Returns 0 or -1. */
static int stay_rejected(struct stage_run *run, struct error *error)
{
	const char *version = json_string(run->document, "release.version");
	AUTO_FREE char *reason = xasprintf("%s was published again as it was, and stays rejected; --force deploys it", version);

	if (rejected_revise(run->root, version, json_string(run->document, "artifact.revision"), error))
		return -1;
	log_info("Published again unchanged", "version", version, "digest", json_string(run->document, "artifact.digest"));
	document_notice(run->document, "fetch", NOTICE_PROGRESS, "%s is what was rejected before", version);
	document_set_state(run->document, STATE_UNCHANGED, reason);
	return 0;
}

static int run(struct stage_run *run, struct error *error)
{
	AUTO_FETCH struct fetch fetch = {.cache = -1};

	if (open_fetch(&fetch, run, error))
		return -1;
	int result = get(&fetch, error);
	if (result > 0)
		return stay_rejected(run, error);
	if (result < 0) {
		if (!is_deployed(&fetch))
			return -1;
		log_warn("The artifact is not to be had: the deployed release has to do", "error", error->message);
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
	.record = history_append,
	.run = run,
};
