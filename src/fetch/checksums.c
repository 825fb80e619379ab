/* SPDX-License-Identifier: MIT */
#include "fetch/checksums.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "log.h"
#include "str.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT = 1 << 20, FILES = 16, SHA256_DIGITS = 64, SHA512_DIGITS = 128 };

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

static int begin(void *context, const struct registry_part *part, struct error *error)
{
	struct buf *text = context;

	(void)error;
	text->length = part->offset < (long long)text->length ? (size_t)part->offset : text->length;
	return 0;
}

static int receive(void *context, const void *bytes, size_t length, struct error *error)
{
	struct buf *text = context;

	if (length > LIMIT - text->length)
		return error_set(error, ERROR_REGISTRY, "it is larger than %d bytes", LIMIT);
	buf_add(text, bytes, length);
	return 0;
}

/* Reads one file. Returns 0 when it tells, 1 when it does not, or -1. */
static int learn_from(struct registry *registry, const struct url *url, const char *name, struct expected *expected,
		      struct error *error)
{
	AUTO_BUF struct buf text = {0};
	const char *file = base_name(url->path);
	struct search search = {.name = name, .own = str_starts(file, name) && file[strlen(name)] == '.'};
	const struct registry_resume anew = {0};
	const struct registry_sink sink = {.begin = begin, .write = receive, .context = &text};

	if (registry->ops->fetch(registry, url, &anew, &sink, error))
		return error->code == ERROR_NOT_FOUND ? 1 : error_in(error, "the checksum file %s", file);
	buf_add(&text, "", 0); /* an empty one is terminated, too */
	if (search_text(&search, text.data, error))
		return error_in(error, "the checksum file %s", file);
	const char *digest = *search.sha256 ? search.sha256 : search.sha512;
	if (!*digest)
		return 1;
	expected_set(expected, BY_FILE, digest);
	expected->file = xstrdup(file);
	return 0;
}

int checksums_learn(struct registry *registry, const cJSON *urls, const char *name, struct expected *expected,
		    struct error *error)
{
	const cJSON *item;
	int files = 0, result = 1;

	cJSON_ArrayForEach(item, urls)
	{
		AUTO_URL struct url url = {0};
		const char *text = cJSON_GetStringValue(item);
		if (result <= 0 || !text || ++files > FILES)
			break;
		if (url_parse(&url, text, error) || registry_owns(registry, &url, error))
			return -1;
		result = learn_from(registry, &url, name, expected, error);
		if (result > 0)
			log_debug("The checksum file does not tell", "file", base_name(url.path), "name", name);
	}
	return result < 0 ? -1 : 0;
}
