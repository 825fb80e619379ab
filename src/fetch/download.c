/* SPDX-License-Identifier: MIT */
#include "fetch/download.h"

#include "alloc.h"
#include "error.h"
#include "fetch/checksums.h"
#include "fetch/hasher.h"
#include "fetch/part.h"
#include "fetch/progress.h"
#include "fs.h"
#include "log.h"
#include "root/fetched.h"
#include "str.h"

static int check_limit(const struct fetch *fetch, long long bytes, struct error *error)
{
	long long most = option_number(fetch->run->options, OPT_MAX_SIZE);

	if (bytes <= most)
		return 0;
	error_set(error, ERROR_INTEGRITY, "%s has more than the %lld bytes that --max-size allows", fetch->key, most);
	return error_hint(error, "give a larger --max-size if the artifact is meant to be that large");
}

int fetch_open_registry(struct fetch *fetch, struct error *error)
{
	const struct stage_run *run = fetch->run;

	if (fetch->registry.ops)
		return 0;
	if (registry_open(&fetch->registry, json_string(run->document, "registry"), run->options, run->root, error))
		return -1;
	return registry_confine(&fetch->registry, fetch->cache, error);
}

int fetch_learn_checksums(struct fetch *fetch, struct error *error)
{
	const cJSON *document = fetch->run->document;

	if (fetch->off || expected_is_strong(&fetch->expected))
		return 0;
	if (fetch_open_registry(fetch, error))
		return -1;
	return checksums_learn(&fetch->registry, json_get(document, "artifact.checksum_urls"),
			       json_string(document, "artifact.name"), &fetch->expected, error);
}

int fetch_verify(struct fetch *fetch, const struct content *content, struct error *error)
{
	if (expected_compare(&fetch->expected, content, fetch->key, error))
		return -1;
	const cJSON *document = fetch->run->document;
	return signatures_judge(&fetch->signatures, content, json_string(document, "artifact.name"), error)
		       ? error_in(error, "%s", json_string(document, "release.version"))
		       : 0;
}

/* A download under way. */
struct download {
	struct fetch *fetch;
	struct part *part;
	long long bytes; /* that have come so far */
	struct hasher hasher;
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

/* Lets what is written be hashed. */
static int hash_written(struct download *download, struct error *error)
{
	const struct part *part = download->part;

	return hasher_allow(&download->hasher, part->written, error) ? error_in(error, "%s/%s", part->path, part->name) : 0;
}

/* What this run itself has received before a break is hashed already, unless the service tells another checksum now; what an
 * earlier run has left is hashed beside the rest: reading it costs less than keeping a digest across runs. */
static int begin(void *context, const struct registry_part *begun, struct error *error)
{
	struct download *download = context;
	struct fetch *fetch = download->fetch;
	const char *checksum = fetch->expected.digests[BY_SERVICE];
	AUTO_FREE char *before = xstrdup(checksum);

	if (expect_of_service(fetch, begun, error))
		return -1;
	bool goes_on = begun->offset > 0 && begun->offset == download->bytes && str_equal(checksum, before);
	if (!goes_on)
		hasher_begin(&download->hasher, download->part->fd, &fetch->expected); /* first: what it reads may go */
	if (part_begin(download->part, begun->offset, begun->validator, *checksum ? checksum : NULL, error))
		return -1;
	download->bytes = begun->offset;
	progress_start_at(&download->progress, begun->offset);
	return hash_written(download, error);
}

/* Counts bytes that have come, and were written. */
static int count(struct download *download, long long length, struct error *error)
{
	download->bytes += length;
	if (hash_written(download, error))
		return -1;
	progress_show(&download->progress, download->bytes);
	return 0;
}

static int receive(void *context, const void *bytes, size_t length, struct error *error)
{
	struct download *download = context;

	if (check_limit(download->fetch, download->bytes + (long long)length, error) ||
	    part_write(download->part, bytes, length, error))
		return -1;
	return count(download, (long long)length, error);
}

static ssize_t copy(void *context, int fd, size_t length, struct error *error)
{
	struct download *download = context;
	ssize_t copied = part_copy(download->part, fd, length, error);

	if (copied <= 0)
		return copied;
	if (check_limit(download->fetch, download->bytes + copied, error) || count(download, copied, error))
		return -1;
	return copied;
}

/* Has the registry give the artifact, and the last byte of it written and hashed. */
static int receive_all(struct download *download, const struct url *url, const struct registry_resume *resume, struct content *ret,
		       struct error *error)
{
	const struct registry_sink sink = {.begin = begin, .write = receive, .copy = copy, .context = download};
	struct registry *registry = &download->fetch->registry;

	hasher_begin(&download->hasher, download->part->fd, &download->fetch->expected);
	int result = registry->ops->fetch(registry, url, resume, &sink, error);
	progress_end(&download->progress);
	if (result == 0)
		result = part_flush(download->part, error);
	if (result == 0)
		result = hash_written(download, error);
	if (result == 0)
		result = hasher_end(&download->hasher, ret, error);
	hasher_free(&download->hasher);
	return result;
}

/* Reads the artifact from its registry into the part. */
static int read_registry(struct fetch *fetch, struct part *part, struct content *ret, struct error *error)
{
	const cJSON *document = fetch->run->document;
	AUTO_URL struct url url = {0};
	struct download download = {.fetch = fetch, .part = part};
	bool begun = part->bytes && (fetch->expected.size < 0 || part->bytes < fetch->expected.size);
	const struct registry_resume resume = {.offset = begun ? part->bytes : 0, .validator = begun ? part->validator : NULL};

	if (url_parse(&url, part->url, error))
		return -1;
	if (begun && part->checksum && !fetch->off)
		expected_set(&fetch->expected, BY_SERVICE, part->checksum);
	if (begun)
		log_debug("Resuming the download", "cache_key", fetch->key);
	progress_begin(&download.progress, option_string(fetch->run->options, OPT_PROGRESS), json_string(document, "artifact.name"),
		       fetch->key, fetch->expected.size);
	return receive_all(&download, &url, &resume, ret, error);
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
	if (read_registry(fetch, part, ret, error) || fetch_verify(fetch, ret, error))
		return -1;
	if (!*fetch->expected.digests[BY_REGISTRY])
		fetched_remember(fetch->run->root, fetch->run->document, ret->digests[0]);
	return part_publish(part, error);
}

int fetch_download(struct fetch *fetch, struct content *ret, struct error *error)
{
	const cJSON *document = fetch->run->document;
	struct part part = {.root = fetch->run->root, .cache = fetch->cache, .path = fetch->path, .key = fetch->key,
			    .url = json_string(document, "artifact.url")};

	if ((fetch->expected.size >= 0 && check_limit(fetch, fetch->expected.size, error)) || fetch_open_registry(fetch, error) ||
	    fetch_learn_checksums(fetch, error))
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
