/* SPDX-License-Identifier: MIT */
#include "fetch/expected.h"

#include "alloc.h"
#include "error.h"
#include "str.h"

#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

void expected_free(struct expected *expected)
{
	free(expected->file);
	*expected = (struct expected){.size = -1};
}

bool expected_set(struct expected *expected, enum digest_source source, const char *digest)
{
	char *text = expected->digests[source];
	size_t length = 0;

	for (; length < DIGEST_TEXT - 1 && digest[length]; length++)
		text[length] = (char)tolower((unsigned char)digest[length]);
	text[length] = '\0';
	struct digest *known = digest_begin(text);
	if (!known)
		text[0] = '\0';
	digest_free(known);
	return known != NULL;
}

bool expected_is_strong(const struct expected *expected)
{
	for (int i = 0; i < DIGEST_SOURCES; i++)
		if (str_starts(expected->digests[i], "sha256:") || str_starts(expected->digests[i], "sha512:"))
			return true;
	return false;
}

/* True when both digests are of one algorithm. */
static bool is_alike(const char *a, const char *b)
{
	size_t length = strcspn(a, ":");

	return length == strcspn(b, ":") && memcmp(a, b, length) == 0;
}

static void add_name(cJSON *names, const char *name)
{
	const cJSON *other;

	cJSON_ArrayForEach(other, names)
		if (str_equal(cJSON_GetStringValue(other), name))
			return;
	cJSON_AddItemToArray(names, xrequire(cJSON_CreateString(name)));
}

cJSON *expected_names(const struct expected *expected)
{
	cJSON *names = xrequire(cJSON_CreateArray());

	if (expected->size >= 0)
		add_name(names, "size");
	for (int i = 0; i < DIGEST_SOURCES; i++) {
		AUTO_FREE char *algorithm = xstrndup(expected->digests[i], strcspn(expected->digests[i], ":"));
		if (*algorithm)
			add_name(names, algorithm);
	}
	if (expected->file)
		add_name(names, expected->file);
	return names;
}

void hashing_free(struct hashing *hashing)
{
	for (size_t i = 0; i < hashing->count; i++)
		digest_free(hashing->digests[i]);
	*hashing = (struct hashing){0};
}

/* Adds an algorithm to the list of count of them, unless it is there. Returns how many there are now. */
static size_t add_algorithm(const char **algorithms, size_t count, const char *algorithm)
{
	for (size_t i = 0; i < count; i++)
		if (is_alike(algorithms[i], algorithm))
			return count;
	algorithms[count] = algorithm;
	return count + 1;
}

void hashing_begin(struct hashing *hashing, const struct expected *expected)
{
	const char *algorithms[MOST_DIGESTS] = {"sha256"};
	size_t count = 1;

	for (int i = 0; i < DIGEST_SOURCES; i++)
		if (*expected->digests[i])
			count = add_algorithm(algorithms, count, expected->digests[i]);
	for (int i = 0; i < ALSO && expected->also[i]; i++)
		count = add_algorithm(algorithms, count, expected->also[i]);
	hashing_free(hashing);
	hashing->count = count;
	for (size_t i = 0; i < count; i++)
		hashing->digests[i] = digest_begin(algorithms[i]);
}

const char *content_digest(const struct content *content, const char *algorithm)
{
	for (size_t i = 0; i < MOST_DIGESTS && *content->digests[i]; i++)
		if (is_alike(content->digests[i], algorithm))
			return content->digests[i];
	return NULL;
}

int hashing_add_file(struct hashing *hashing, int fd, long long end, struct error *error)
{
	struct stat status;

	if (digest_add_file(hashing->digests, hashing->count, fd, hashing->bytes, end, error))
		return -1;
	if (end < 0 && fstat(fd, &status) == 0)
		end = status.st_size;
	hashing->bytes = end;
	return 0;
}

void hashing_end(struct hashing *hashing, struct content *ret)
{
	*ret = (struct content){.bytes = hashing->bytes};
	for (size_t i = 0; i < hashing->count; i++)
		digest_end(hashing->digests[i], ret->digests[i]);
	*hashing = (struct hashing){0};
}

int expected_compare(const struct expected *expected, const struct content *content, const char *name, struct error *error)
{
	if (expected->size >= 0 && content->bytes != expected->size)
		return error_set(error, ERROR_INTEGRITY, "%s has %lld bytes instead of %lld", name, content->bytes, expected->size);
	for (size_t i = 0; i < DIGEST_SOURCES; i++) {
		const char *wanted = expected->digests[i], *found = *wanted ? content_digest(content, wanted) : NULL;
		if (found && !str_equal(found, wanted))
			return error_set(error, ERROR_INTEGRITY, "%s has the digest %s instead of %s%s%s", name, found, wanted,
					 i == BY_FILE ? " of " : "", i == BY_FILE ? expected->file : "");
	}
	return 0;
}
