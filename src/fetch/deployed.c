/* SPDX-License-Identifier: MIT */
#include "fetch/deployed.h"

#include "alloc.h"
#include "digest.h"
#include "error.h"
#include "log.h"
#include "root/release.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Returns the record of the deployed release, which the caller deletes, or NULL when it is not the wanted one. */
static cJSON *find_record(const struct stage_run *run)
{
	const cJSON *document = run->document;
	const struct root *root = run->root;
	const char *path = json_string(document, "previous.path"), *name = path ? strrchr(path, '/') : NULL;
	const char *key = json_string(document, "artifact.cache_key");
	struct stat status;

	if (!name || json_true(document, "forced") || !str_equal(json_string(document, "previous.cache_key"), key) ||
	    !release_is_name(name + 1))
		return NULL;
	AUTO_FREE char *expected = release_path(root, name + 1);
	if (!str_equal(path, expected) || fstatat(root->releases, name + 1, &status, AT_SYMLINK_NOFOLLOW) ||
	    !S_ISDIR(status.st_mode))
		return NULL;
	AUTO_JSON cJSON *record = release_record(root, name + 1);
	return str_equal(json_string(record, "artifact.cache_key"), key) ? steal_pointer(&record) : NULL;
}

/* Removes the file from the cache unless it has that digest: dewy-deploy would refuse it, and do without none. */
static void remove_other(int cache, const char *key, const char *digest)
{
	AUTO_CLOSE int fd = openat(cache, key, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char found[DIGEST_TEXT];
	struct error error;

	if (fd < 0 || (digest_file(fd, found, &error) == 0 && str_equal(found, digest)))
		return;
	log_warn("Removing from the cache what is not the artifact that was deployed", "cache_key", key);
	unlinkat(cache, key, 0);
}

bool deployed_is_wanted(const struct stage_run *run)
{
	AUTO_JSON cJSON *record = find_record(run);

	return record;
}

bool deployed_suffices(struct stage_run *run, int cache)
{
	AUTO_JSON cJSON *record = find_record(run);
	const char *digest = json_string(record, "artifact.digest");

	if (!digest)
		return false;
	json_set(run->document, "artifact", xrequire(cJSON_Duplicate(json_get(record, "artifact"), true)));
	remove_other(cache, json_string(run->document, "artifact.cache_key"), digest);
	return true;
}
