/* SPDX-License-Identifier: MIT */
#include "check/describe.h"

#include "alloc.h"
#include "check/checksums.h"
#include "error.h"
#include "root/root.h"
#include "time.h"

void describe_deployed(cJSON *document, const cJSON *record)
{
	static const char *const members[] = {"registry", "release", "artifact"};

	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		const cJSON *member = json_get(record, members[i]);
		if (member)
			json_set(document, members[i], xrequire(cJSON_Duplicate(member, true)));
	}
}

void describe_choice(cJSON *document, const struct choice *choice, const char *calver)
{
	AUTO_FREE char *slot = xstrndup(choice->version.build.length ? choice->version.build.at : "", choice->version.build.length);
	char published_at[TIME_TEXT];

	json_set_string(document, "release.version", choice->release.version);
	json_set_string(document, "release.slot", slot);
	json_set_string(document, "release.calver", calver);
	json_set_bool(document, "release.prerelease", choice->release.prerelease || choice->version.prerelease.length);
	if (choice->release.published_at)
		json_set_string(document, "release.published_at", time_format(choice->release.published_at, published_at));
}

int describe_artifact(cJSON *document, const char *version, const struct artifact *artifact, struct error *error)
{
	AUTO_FREE char *cache_key = xasprintf("%s--%s", version, artifact->name);

	if (!root_is_cache_key(cache_key)) {
		error_set(error, ERROR_REGISTRY, "%s is no file name that the cache could take", cache_key);
		return error_hint(error, "publish the artifact under a shorter name");
	}
	json_set_string(document, "artifact.name", artifact->name);
	json_set_string(document, "artifact.url", artifact->url);
	if (artifact->size >= 0)
		json_set_number(document, "artifact.size", artifact->size);
	json_set_string(document, "artifact.digest", *artifact->digest ? artifact->digest : NULL);
	json_set_string(document, "artifact.revision", artifact->revision);
	json_set_string(document, "artifact.cache_key", cache_key);
	return 0;
}

void describe_companions(cJSON *document, const struct artifact_list *list, const struct artifact *artifact)
{
	AUTO_JSON cJSON *checksums = checksums_choose(list, artifact), *signatures = signatures_choose(list, artifact, checksums);

	if (checksums && (signatures || !*artifact->digest))
		json_set(document, "artifact.checksum_urls", steal_pointer(&checksums));
	if (signatures)
		json_set(document, "artifact.signature_urls", steal_pointer(&signatures));
}
