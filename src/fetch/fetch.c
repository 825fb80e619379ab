/* SPDX-License-Identifier: MIT */
#include "fetch/fetch.h"

#include "alloc.h"
#include "error.h"
#include "fetch/deployed.h"
#include "fetch/download.h"
#include "log.h"
#include "registry/registry.h"
#include "root/fetched.h"
#include "root/history_chain.h"
#include "root/rejected.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define AUTO_FETCH AUTO(free_fetch)

static void free_fetch(struct fetch *fetch)
{
	cleanup_close(&fetch->cache);
	free(fetch->path);
	expected_free(&fetch->expected);
	signatures_free(&fetch->signatures);
	registry_close(&fetch->registry);
}

/* Asks who vouches for the artifact, when somebody has to. */
static int learn_signatures(struct fetch *fetch, struct error *error)
{
	if (!fetch->signatures.keys.count)
		return 0;
	if (fetch_open_registry(fetch, error))
		return -1;
	return signatures_learn(&fetch->signatures, &fetch->registry, fetch->run->document, &fetch->expected, error)
		       ? error_in(error, "%s", json_string(fetch->run->document, "release.version"))
		       : 0;
}

static bool is_rejected(const struct fetch *fetch, const struct content *content)
{
	return *fetch->rejected && str_equal(content->digests[0], fetch->rejected);
}

/* True when what the cache has may be the upload that is wanted. Where the registry tells no digest, known becomes that of what
 * came as this upload before: the same name, and even the same size, may be those of an earlier one. */
static bool may_be_cached(const struct fetch *fetch, char known[DIGEST_TEXT])
{
	return *fetch->expected.digests[BY_REGISTRY] || fetched_recall(fetch->run->root, fetch->run->document, known);
}

/* Looks for the artifact in the cache. Returns 0 when it is there as expected; 1 when it is not, may be another upload, or is what
 * was rejected, so that the registry has to show whether it holds another one now; or -1. */
static int look_into_cache(struct fetch *fetch, struct content *ret, struct error *error)
{
	char known[DIGEST_TEXT] = "";
	AUTO_CLOSE int fd = openat(fetch->cache, fetch->key, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_HASHING struct hashing hashing = {0};
	struct stat status;

	if (fd < 0 && (errno == ENOENT || errno == ELOOP))
		return 1;
	if (!may_be_cached(fetch, known))
		return 1;
	if (fd < 0 || fstat(fd, &status))
		return error_errno(error, errno, "cannot open %s/%s", fetch->path, fetch->key);
	if (!S_ISREG(status.st_mode) || (fetch->expected.size >= 0 && status.st_size != fetch->expected.size))
		return 1;
	if (!root_trusts(fetch->run->root, &status)) {
		log_warn("Others may write to the artifact in the cache", "cache_key", fetch->key);
		return 1;
	}
	hashing_begin(&hashing, &fetch->expected);
	if (hashing_add_file(&hashing, fd, -1, error))
		return error_in(error, "%s/%s", fetch->path, fetch->key);
	hashing_end(&hashing, ret);
	if (is_rejected(fetch, ret))
		return 1;
	if (*known && !str_equal(ret->digests[0], known))
		error_set(error, ERROR_INTEGRITY, "%s has the digest %s instead of %s", fetch->key, ret->digests[0], known);
	else if (fetch_verify(fetch, ret, error) == 0)
		return 0;
	log_warn("The artifact in the cache is damaged", "cache_key", fetch->key, "error", error->message);
	return 1;
}

static void describe(const struct fetch *fetch, const struct content *content, bool from_cache)
{
	cJSON *document = fetch->run->document, *verified = expected_names(&fetch->expected);
	AUTO_FREE char *path = xasprintf("%s/%s", fetch->path, fetch->key);

	if (fetch->signatures.keys.count) {
		json_set(document, "fetch.signatures", signatures_describe(&fetch->signatures));
		cJSON_AddItemToArray(verified, xrequire(cJSON_CreateString("minisign")));
	}
	json_set_number(document, "fetch.bytes", content->bytes);
	json_set_bool(document, "fetch.from_cache", from_cache);
	json_set(document, "fetch.verified", verified);
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

	if (json_true(document, "forced") || deployed_is_wanted(fetch->run))
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
	if (check_key(run->document, fetch->key, error) || recall_rejected(fetch, error) ||
	    keys_read(run->options, &fetch->signatures.keys, error))
		return -1;
	fetch->cache = root_open_cache(run->root, option_string(run->options, OPT_CACHE), &fetch->path, error);
	return fetch->cache < 0 ? -1 : 0;
}

/* Gets the artifact out of the cache or the registry. What is in the cache was verified when it came; --verify-checksum=required
 * and --verify-key do not trust that. Returns 0; 1 when it is what was rejected before; or -1. */
static int get(struct fetch *fetch, struct error *error)
{
	struct content content = {0};

	if (learn_signatures(fetch, error) || (fetch->required && fetch_learn_checksums(fetch, error)))
		return -1;
	int missing = fetch->required && !expected_is_strong(&fetch->expected) ? 1 : look_into_cache(fetch, &content, error);
	if (missing < 0 || (missing && fetch_download(fetch, &content, error)))
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

/* Leaves nothing in the cache for which nobody has vouched. Returns -1. */
static int refuse(const struct fetch *fetch, const struct error *error)
{
	if (fetch->signatures.keys.count && error->code == ERROR_INTEGRITY)
		unlinkat(fetch->cache, fetch->key, 0);
	return -1;
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
		if (!deployed_suffices(run, fetch.cache))
			return refuse(&fetch, error);
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
