/* SPDX-License-Identifier: MIT */
#include "redact.h"

#include "alloc.h"
#include "base64.h"
#include "buf.h"
#include "str.h"
#include "url.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char mark[] = "[redacted]";

/* What this process knows for as long as it lives: the secrets, and all that they may look like, the longest first. */
static struct list {
	struct text {
		char *bytes;
		size_t length;
	} *items;
	size_t count;
} secrets, forms;

static size_t secrets_in_forms; /* how many of the secrets the forms are of */
static bool begins[256];        /* a form begins with that byte */
static void (*collect_later)(void);

static void add(struct list *list, const char *bytes, size_t length)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].length == length && memcmp(list->items[i].bytes, bytes, length) == 0)
			return;
	list->items = xreallocarray(list->items, list->count + 1, sizeof *list->items);
	list->items[list->count++] = (struct text){xstrndup(bytes, length), length};
}

/* Returns where the line of a secret ends: at a line break, or at one that is written as \n. */
static size_t line_length(const char *line)
{
	const char *escaped = strstr(line, "\\n");
	size_t length = strcspn(line, "\r\n");

	return escaped && (size_t)(escaped - line) < length ? (size_t)(escaped - line) : length;
}

void redact_learn(const char *secret)
{
	for (const char *line = secret ? secret : ""; *line;) {
		size_t length = line_length(line);
		if (length >= REDACT_LEAST && !str_starts(line, "-----"))
			add(&secrets, line, length);
		line += length;
		line += *line == '\\' ? 2 : strspn(line, "\r\n");
	}
}

static void wipe(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		explicit_bzero(list->items[i].bytes, list->items[i].length);
	list->count = 0;
}

void redact_forget(void)
{
	wipe(&secrets);
	wipe(&forms);
	memset(begins, 0, sizeof begins);
	secrets_in_forms = 0;
	collect_later = NULL;
}

void redact_prepare(void (*collect)(void))
{
	collect_later = collect;
}

bool redact_is_secret_name(const char *name)
{
	static const char *const words[] = {"token", "secret", "password", "passwd", "authorization", "cookie", "signature"};
	static const char *const public_ends[] = {"id", "file", "path", "dir", "directory", "url", "uri", "seconds"};
	static const char *const keys[] = {"key", "apikey"};
	size_t end = strlen(name), start = end;

	while (start && name[start - 1] != '_' && name[start - 1] != '-')
		start--;
	for (size_t i = 0; i < sizeof public_ends / sizeof *public_ends; i++)
		if (strcasecmp(name + start, public_ends[i]) == 0)
			return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcasestr(name, words[i]))
			return true;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (start && strcasecmp(name + start, keys[i]) == 0)
			return !strcasestr(name, "public") && !strcasestr(name, "verify");
	return false;
}

/* Adds what of a secret in base64 does not depend on what stands before and after it, when it begins skipped bytes behind a
 * multiple of three; and the same in base64url. */
static void add_base64(const struct text *secret, size_t skipped)
{
	size_t start = (skipped * 8 + 5) / 6, end = (skipped + secret->length) * 8 / 6;
	AUTO_BUF struct buf bytes = {0}, text = {0};

	buf_add(&bytes, "\0\0", skipped);
	buf_add(&bytes, secret->bytes, secret->length);
	base64_add(&text, bytes.data, bytes.length);
	add(&forms, text.data + start, end - start);
	for (char *letter = text.data; *letter; letter++)
		*letter = *letter == '+' ? '-' : *letter == '/' ? '_' : *letter;
	add(&forms, text.data + start, end - start);
}

static void add_encoded(const struct text *secret)
{
	AUTO_BUF struct buf encoded = {0};

	url_add_encoded(&encoded, secret->bytes, "");
	add(&forms, encoded.data, encoded.length);
	for (char *at = encoded.data; (at = strchr(at, '%')); at += 3) {
		at[1] = (char)tolower((unsigned char)at[1]);
		at[2] = (char)tolower((unsigned char)at[2]);
	}
	add(&forms, encoded.data, encoded.length);
}

static void add_forms(const struct text *secret)
{
	AUTO_BUF struct buf escaped = {0};

	add(&forms, secret->bytes, secret->length);
	str_add_escaped(&escaped, secret->bytes);
	add(&forms, escaped.data, escaped.length);
	add_encoded(secret);
	for (size_t skipped = 0; skipped < 3; skipped++)
		add_base64(secret, skipped);
}

static int longer_first(const void *a, const void *b)
{
	size_t left = ((const struct text *)a)->length, right = ((const struct text *)b)->length;

	return left < right ? 1 : left > right ? -1 : 0;
}

/* Returns true when there is anything to look for. */
static bool prepare(void)
{
	void (*collect)(void) = collect_later;

	collect_later = NULL;
	if (collect)
		collect();
	if (secrets_in_forms == secrets.count)
		return forms.count;
	while (secrets_in_forms < secrets.count)
		add_forms(&secrets.items[secrets_in_forms++]);
	qsort(forms.items, forms.count, sizeof *forms.items, longer_first);
	for (size_t i = 0; i < forms.count; i++)
		begins[(unsigned char)forms.items[i].bytes[0]] = true;
	return true;
}

/* Returns the length of the secret that text, which has length bytes, begins with; 0 when there is none. */
static size_t match(const char *text, size_t length)
{
	if (!begins[(unsigned char)*text])
		return 0;
	for (size_t i = 0; i < forms.count; i++) {
		const struct text *form = &forms.items[i];
		size_t compared = form->length < length ? form->length : length;
		if (*form->bytes == *text && compared >= REDACT_LEAST && memcmp(text, form->bytes, compared) == 0)
			return compared;
	}
	return 0;
}

const char *redact(const char *text, struct buf *scratch)
{
	const char *kept = text, *end;

	if (!prepare())
		return text;
	end = text + strlen(text);
	buf_clear(scratch);
	for (const char *at = text; at < end;) {
		size_t length = match(at, (size_t)(end - at));
		if (length) {
			buf_add(scratch, kept, (size_t)(at - kept));
			buf_puts(scratch, mark);
			kept = at + length;
		}
		at += length ? length : 1;
	}
	if (kept == text)
		return text;
	buf_puts(scratch, kept);
	return buf_text(scratch);
}
