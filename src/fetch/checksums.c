/* SPDX-License-Identifier: MIT */
#include "fetch/checksums.h"

#include "alloc.h"
#include "error.h"
#include "fetch/small.h"
#include "log.h"
#include "str.h"

#include <stdio.h>
#include <string.h>

enum { FILES = 16, SHA256_DIGITS = 64, SHA512_DIGITS = 128 };

static const char blanks[] = " \t", hexadecimal[] = "0123456789abcdefABCDEF";

/* A line of a checksum file. */
struct entry {
	const char *digits;
	size_t length; /* of the digits: 64 for SHA-256, 128 for SHA-512 */
	const char *name;
};

/* Reads digits that fill text up to its end or to a blank. Returns what follows them, NULL when they are no digest. */
static char *read_digits(char *text, struct entry *ret)
{
	*ret = (struct entry){.digits = text, .length = strspn(text, hexadecimal)};
	char *end = text + ret->length;

	return (ret->length == SHA256_DIGITS || ret->length == SHA512_DIGITS) && strchr(" \t", *end) ? end : NULL;
}

/* HEX  NAME, or HEX *NAME (sha256sum), or HEX alone, which leaves the name NULL. */
static bool read_plain(char *line, struct entry *ret)
{
	char *rest = read_digits(line, ret);

	if (!rest)
		return false;
	rest += strspn(rest, blanks);
	rest += *rest == '*';
	ret->name = *rest ? rest : NULL;
	return true;
}

/* SHA256 (NAME) = HEX (BSD), SHA2-256(NAME)= HEX (openssl). */
static bool read_tagged(char *line, struct entry *ret)
{
	static const struct {
		const char *tag;
		size_t digits;
	} tags[] = {{"SHA256", SHA256_DIGITS}, {"SHA2-256", SHA256_DIGITS}, {"SHA512", SHA512_DIGITS}, {"SHA2-512", SHA512_DIGITS}};

	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
		char *open = line + strlen(tags[i].tag), *close = strrchr(line, ')');
		if (!str_starts(line, tags[i].tag) || !close)
			continue;
		open += strspn(open, blanks);
		char *equals = close + 1 + strspn(close + 1, blanks);
		if (*open != '(' || *equals != '=' || !read_digits(equals + 1 + strspn(equals + 1, blanks), ret) ||
		    ret->length != tags[i].digits)
			continue;
		*close = '\0';
		ret->name = open + 1;
		return true;
	}
	return false;
}

/* A search through a file. */
struct search {
	const char *name;
	bool own;                             /* the file is for that artifact alone: HEX stands for it without a name */
	char sha256[DIGEST_TEXT], sha512[DIGEST_TEXT];
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Returns 0, or -1 with ERROR_INTEGRITY when the line contradicts an earlier one. */
static int search_line(struct search *search, char *line, struct error *error)
{
	char digest[DIGEST_TEXT];
	struct entry entry;

	for (size_t length = strlen(line); length && strchr(" \t\r", line[length - 1]); length--)
		line[length - 1] = '\0';
	if (!read_tagged(line, &entry) && !read_plain(line, &entry))
		return 0;
	if (entry.name ? !str_equal(base_name(entry.name), search->name) : !search->own)
		return 0;
	bool longer = entry.length == SHA512_DIGITS;
	char *known = longer ? search->sha512 : search->sha256;
	snprintf(digest, sizeof digest, "%s:%.*s", longer ? "sha512" : "sha256", (int)entry.length, entry.digits);
	if (*known && strcasecmp(known, digest) != 0)
		return error_set(error, ERROR_INTEGRITY, "it has two different checksums for %s", search->name);
	memcpy(known, digest, sizeof digest);
	return 0;
}

static int search_text(struct search *search, char *text, struct error *error)
{
	for (char *line, *rest = text; (line = strsep(&rest, "\n"));)
		if (search_line(search, line, error))
			return -1;
	return 0;
}

int checksums_find(char *text, const char *file, const char *name, char ret_digest[DIGEST_TEXT], struct error *error)
{
	struct search search = {.name = name, .own = str_starts(file, name) && file[strlen(name)] == '.'};

	if (search_text(&search, text, error))
		return -1;
	snprintf(ret_digest, DIGEST_TEXT, "%s", *search.sha256 ? search.sha256 : search.sha512);
	return *ret_digest ? 0 : 1;
}

/* Reads one file. Returns 0 when it tells, 1 when it does not, or -1. */
static int learn_from(struct registry *registry, const char *url, const char *name, struct expected *expected, struct error *error)
{
	AUTO_BUF struct buf text = {0};
	AUTO_FREE char *file = NULL;
	char digest[DIGEST_TEXT];
	int result = small_read(registry, url, CHECKSUMS_LIMIT, &file, &text, error);

	if (result == 0)
		result = checksums_find(text.data, file, name, digest, error);
	if (result < 0 || result > 1)
		return file ? error_in(error, "the checksum file %s", file) : -1;
	if (result > 0) {
		log_debug("The checksum file does not tell", "file", file, "name", name);
		return 1;
	}
	expected_set(expected, BY_FILE, digest);
	expected->file = steal_pointer(&file);
	return 0;
}

int checksums_learn(struct registry *registry, const cJSON *urls, const char *name, struct expected *expected,
		    struct error *error)
{
	const cJSON *item;
	int files = 0, result = 1;

	cJSON_ArrayForEach(item, urls)
	{
		const char *url = cJSON_GetStringValue(item);
		if (result <= 0 || !url || ++files > FILES)
			break;
		result = learn_from(registry, url, name, expected, error);
	}
	return result < 0 ? -1 : 0;
}
