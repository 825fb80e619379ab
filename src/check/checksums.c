/* SPDX-License-Identifier: MIT */
#include "check/checksums.h"

#include "alloc.h"
#include "str.h"

#include <fnmatch.h>
#include <string.h>

enum { MOST = 6 };

/* What follows the name of the artifact in that of a file for it alone. */
static const char *const own[] = {
	".sha256", ".sha256sum", ".sha256.txt", ".sha256sum.txt", ".sha256sums",
	".sha512", ".sha512sum", ".sha512.txt", ".sha512sum.txt", ".sha512sums",
};

/* Files for the whole release. */
static const char *const common[] = {
	"sha256sums", "sha256sums.txt", "sha256sum", "sha256sum.txt", "checksums.txt", "checksums", "checksum.txt",
	"checksums.sha256", "checksums_sha256.txt", "checksums-sha256.txt",
	"*[._-]checksums.txt", "*[._-]checksums", "*[._-]checksums.sha256", "*[._-]sha256sums", "*[._-]sha256sums.txt",
	"sha512sums", "sha512sums.txt", "sha512sum", "sha512sum.txt", "checksums.sha512",
	"*[._-]checksums.sha512", "*[._-]sha512sums", "*[._-]sha512sums.txt",
};

static bool is_own(const char *name, const char *artifact, const char *suffix)
{
	return str_starts(name, artifact) && strcasecmp(name + strlen(artifact), suffix) == 0;
}

static void add(cJSON *urls, int most, const struct artifact *file)
{
	const cJSON *other;

	cJSON_ArrayForEach(other, urls)
		if (str_equal(cJSON_GetStringValue(other), file->url))
			return;
	if (cJSON_GetArraySize(urls) < most)
		cJSON_AddItemToArray(urls, xrequire(cJSON_CreateString(file->url)));
}

cJSON *checksums_choose(const struct artifact_list *list, const struct artifact *artifact)
{
	AUTO_JSON cJSON *urls = xrequire(cJSON_CreateArray());

	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		for (size_t j = 0; j < list->count; j++)
			if (is_own(list->items[j].name, artifact->name, own[i]))
				add(urls, MOST, &list->items[j]);
	for (size_t i = 0; i < sizeof common / sizeof *common; i++)
		for (size_t j = 0; j < list->count; j++)
			if (fnmatch(common[i], list->items[j].name, FNM_CASEFOLD) == 0)
				add(urls, MOST, &list->items[j]);
	return urls->child ? steal_pointer(&urls) : NULL;
}

static void add_signatures(cJSON *urls, const struct artifact_list *list, const char *subject)
{
	for (size_t i = 0; i < list->count; i++)
		if (registry_is_signature(list->items[i].name, subject))
			add(urls, REGISTRY_SIGNATURES, &list->items[i]);
}

cJSON *signatures_choose(const struct artifact_list *list, const struct artifact *artifact, const cJSON *checksum_urls)
{
	AUTO_JSON cJSON *urls = xrequire(cJSON_CreateArray());
	const cJSON *url;

	add_signatures(urls, list, artifact->name);
	cJSON_ArrayForEach(url, checksum_urls)
	{
		for (size_t i = 0; i < list->count; i++)
			if (str_equal(list->items[i].url, cJSON_GetStringValue(url)))
				add_signatures(urls, list, list->items[i].name);
	}
	return urls->child ? steal_pointer(&urls) : NULL;
}
