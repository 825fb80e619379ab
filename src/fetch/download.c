/* SPDX-License-Identifier: MIT */
#include "fetch/download.h"

#include "alloc.h"
#include "error.h"
#include "fetch/checksums.h"
#include "fetch/part.h"
#include "fetch/progress.h"
#include "fs.h"
#include "log.h"
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

	if (url_parse(&url, part->url, error))
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
	if (read_registry(fetch, part, ret, error) || fetch_verify(fetch, ret, error))
		return -1;
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
