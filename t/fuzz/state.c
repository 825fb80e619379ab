/* SPDX-License-Identifier: MIT */
/* Files in ROOT/.dewy that somebody has damaged: one text for all of them, as each reader takes its own members. */
#include "fuzz.h"

#include "check/memory.h"
#include "error.h"
#include "metrics/state.h"
#include "notify/counter.h"
#include "root/attempts.h"
#include "root/fetched.h"
#include "root/limits.h"
#include "root/rejected.h"
#include "root/state.h"
#include "str.h"
#include "time.h"

#include <fcntl.h>

static void attempt(const struct root *root)
{
	static const char key[] = "v1.2.3--app.tar.gz";
	struct error error;
	time_t next;
	int before = attempts_failed(root, key, &next);

	FUZZ_HOLDS(before >= 0);
	FUZZ_HOLDS(attempts_add(root, key, &error) == 0);
	FUZZ_HOLDS(attempts_failed(root, key, &next) > 0 && next > time_now() / 1000);
	FUZZ_HOLDS(attempts_clear(root, &error) == 0 && attempts_failed(root, key, &next) == 0);
}

static void fetch(const struct root *root)
{
	AUTO_JSON cJSON *document = cJSON_CreateObject();
	char digest[DIGEST_TEXT];

	json_set_string(document, "artifact.cache_key", "v1.2.3--app.tar.gz");
	json_set_string(document, "artifact.revision", "7");
	fetched_recall(root, document, digest);
	fetched_remember(root, document, "sha256:0");
	FUZZ_HOLDS(fetched_recall(root, document, digest) && str_equal(digest, "sha256:0"));
}

static void reject(const struct root *root)
{
	AUTO_JSON cJSON *document = cJSON_CreateObject(), *forgotten = NULL, *versions = NULL;
	static const char *deployed[] = {"v1.2.4"};
	const struct rejected_since since = {.versions = deployed, .count = 1};
	struct error error;

	json_set_string(document, "release.version", "v1.2.3");
	json_set_string(document, "artifact.cache_key", "v1.2.3--app.tar.gz");
	if (rejected_add(root, document, "exit 1", &error))
		return; /* damaged, which is said */
	FUZZ_HOLDS(rejected_revise(root, "v1.2.3", "7", &error) == 0);
	FUZZ_HOLDS((versions = rejected_read(root, &error)) && rejected_find(versions, "v1.2.3"));
	FUZZ_HOLDS(rejected_hold(root, document, "v1.2.4", "by hand", &error) == 0);
	FUZZ_HOLDS(rejected_accept(root, "v1.2.3", NULL, NULL, &error) == 0);
	FUZZ_HOLDS(rejected_prune(root, &since, &error) == 0);
	FUZZ_HOLDS(rejected_forget(root, NULL, &forgotten, &error) == 0);
}

static void limit(const struct root *root)
{
	AUTO_JSON cJSON *state = state_read(root, STATE_REGISTRY);
	char until[TIME_TEXT];

	limits_until(state, "api.github.com", "");
	limits_longest(state);
	time_format((time_t)(time_now() / 1000 + 60), until);
	limits_add(state, "api.github.com", "", until);
	FUZZ_HOLDS(limits_until(state, "api.github.com", "") && limits_longest(state));
}

static void count(struct root *root)
{
	AUTO_JSON cJSON *document = cJSON_CreateObject(), *file = NULL;
	long long before = counter_read(root, &file), failures = 0;
	struct error error;

	FUZZ_HOLDS(before >= 0);
	json_set_string(document, "id", "20240115T103044Z-7f3a91");
	json_set_string(document, "state", "failed");
	if (counter_add(root, document, &failures, &error))
		return; /* damaged, which is said */
	FUZZ_HOLDS(failures > 0);
	FUZZ_HOLDS(counter_clear(root, json_string(document, "id"), &error) == 0 && counter_read(root, NULL) == 0);
}

static void recall(const struct root *root)
{
	AUTO_FINDING struct finding found = {0};
	struct registry registry = {0};
	struct error error;

	FUZZ_HOLDS(url_parse(&registry.url, "file:///srv/releases", &error) == 0);
	registry.session.root = root;
	cJSON_Delete(memory_recall(&registry, "file:///srv/releases", &(struct choice_rules){0}, &found));
	cJSON_Delete(registry.session.remembered);
	url_free(&registry.url);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static const char *const names[] = {"attempts.json", "fetched.json", "rejected.json", "registry.json", "notify.json", NULL};
	struct root *root = fuzz_root_with_state();

	for (const char *const *name = names; *name; name++)
		fuzz_file(*name, bytes, length);
	attempt(root);
	fetch(root);
	reject(root);
	limit(root);
	count(root);
	recall(root);
	return 0;
}
