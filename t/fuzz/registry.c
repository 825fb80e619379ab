/* SPDX-License-Identifier: MIT */
#include "registry.h"

#include "alloc.h"
#include "error.h"
#include "fuzz.h"
#include "http_answers.h"
#include "options.h"
#include "registry/registry.h"
#include "str.h"
#include "time.h"
#include "version.h"

/* Keeps the first release that has a version. */
static int visit(const struct release *release, void *context, struct error *error)
{
	struct release *first = context;
	struct version version;

	(void)error;
	FUZZ_HOLDS(release->version != NULL);
	if (first->version || !version_parse(&version, NULL, release->version))
		return 0;
	*first = *release;
	first->version = xstrdup(release->version);
	first->id = xstrdup(release->id);
	return 0;
}

static int begin(void *context, const struct registry_part *part, struct error *error)
{
	(void)context, (void)error;
	FUZZ_HOLDS(part->offset >= 0 && part->checksums);
	return 0;
}

static int receive(void *context, const void *bytes, size_t length, struct error *error)
{
	(void)context, (void)bytes, (void)length, (void)error;
	return 0;
}

/* What an artifact is called and where it is goes into a document, and is taken from there by the next stage. */
static void judge(const struct registry *registry, const struct artifact_list *list)
{
	struct error error;

	for (size_t i = 0; i < list->count; i++) {
		AUTO_URL struct url url = {0};
		FUZZ_HOLDS(str_is_file_name(list->items[i].name) && list->items[i].size >= -1);
		FUZZ_HOLDS(url_parse(&url, list->items[i].url, &error) == 0 && registry_owns(registry, &url, &error) == 0);
	}
}

static void take_first(struct registry *registry, struct release *release)
{
	AUTO_ARTIFACTS struct artifact_list list = {0};
	const struct registry_sink sink = {.begin = begin, .write = receive};
	const struct registry_resume anew = {0};
	AUTO_URL struct url url = {0};
	struct error error;
	char published[TIME_TEXT];

	if (registry->ops->artifacts(registry, release, &list, &error))
		return;
	time_format(release->published_at, published);
	judge(registry, &list);
	if (!list.count || url_parse(&url, list.items[0].url, &error))
		return;
	registry->ops->fetch(registry, &url, &anew, &sink, &error);
	registry->ops->report(registry, release->version, "shipped_to_host.txt", "shipped", &error);
}

static void walk(struct registry *registry)
{
	AUTO_RELEASE struct release first = {0};
	struct error error;
	int result = registry->ops->list(registry, visit, &first, &error);

	FUZZ_HOLDS(result >= 0 || (error.code != ERROR_NONE && *error.message));
	if (result == 0 && first.version)
		take_first(registry, &first);
}

void fuzz_registry(const char *url, const uint8_t *bytes, size_t length)
{
	char *argv[] = {(char *)"check", NULL};
	struct options options;
	struct error error;

	FUZZ_HOLDS(option_parse(&options, option_specs, OPTION_COUNT, CHECK, 1, argv, &error) == 0);
	AUTO_REGISTRY struct registry registry;
	FUZZ_HOLDS(registry_open(&registry, url, &options, fuzz_root(), &error) == 0);
	http_answers(bytes, length);
	walk(&registry);
	walk(&registry); /* with what it keeps between two calls, such as validators */
	option_free(&options);
}
