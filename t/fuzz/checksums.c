/* SPDX-License-Identifier: MIT */
/* The name of a checksum file, a line, and the file itself. */
#include "fuzz.h"

#include "error.h"
#include "fetch/checksums.h"
#include "str.h"

#include <string.h>

struct file {
	const uint8_t *bytes;
	size_t length;
};

/* In two pieces, as a download comes. */
static int fetch(struct registry *registry, const struct url *url, const struct registry_resume *resume,
		 const struct registry_sink *sink, struct error *error)
{
	const struct file *file = registry->own;
	size_t half = file->length / 2;

	(void)url, (void)resume;
	return sink->begin(sink->context, &(struct registry_part){0}, error) ||
			       sink->write(sink->context, file->bytes, half, error) ||
			       sink->write(sink->context, file->bytes + half, file->length - half, error)
		       ? -1
		       : 0;
}

static void judge(const struct expected *expected)
{
	const char *digest = expected->digests[BY_FILE], *digits = strchr(digest, ':');

	if (!*digest)
		return;
	FUZZ_HOLDS(digits && expected->file);
	digits = digits ? digits + 1 : digest;
	FUZZ_HOLDS(strlen(digits) == (str_starts(digest, "sha256:") ? 64 : 128));
	FUZZ_HOLDS(strspn(digits, "0123456789abcdefABCDEF") == strlen(digits));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static const struct registry_ops ops = {.scheme = "file", .fetch = fetch};
	static const char name[] = "app.tar.gz";
	const uint8_t *newline = length ? memchr(bytes, '\n', length) : NULL;
	struct file file = {newline ? newline + 1 : bytes, newline ? length - (size_t)(newline + 1 - bytes) : length};
	AUTO_FREE char *url = fuzz_text(bytes, newline ? (size_t)(newline - bytes) : 0);
	struct registry registry = {.ops = &ops, .own = &file};
	struct expected expected = {0};
	struct error error;

	FUZZ_HOLDS(url_parse(&registry.url, "file:///srv/releases", &error) == 0);
	AUTO_JSON cJSON *urls = cJSON_CreateArray();
	AUTO_BUF struct buf full = {0};
	buf_printf(&full, "file:///srv/releases/%s", url);
	cJSON_AddItemToArray(urls, cJSON_CreateString(buf_text(&full)));
	if (checksums_learn(&registry, urls, name, &expected, &error) == 0)
		judge(&expected);
	expected_free(&expected);
	url_free(&registry.url);
	return 0;
}
