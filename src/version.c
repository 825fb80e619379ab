/* SPDX-License-Identifier: MIT */
#include "version.h"

#include "error.h"
#include "str.h"

#include <ctype.h>
#include <string.h>

/* What a calendar form is made of. */
static const struct specifier {
	const char *name;
	size_t least_digits, most_digits;
	bool padded;     /* leading zeros belong to it */
	int least, most; /* its range; most 0 for none */
} specifiers[] = {
	{"YYYY", 4, 4, false, 1000, 9999}, {"YY", 1, 3, false, 0, 999}, {"0Y", 2, 2, true, 0, 99},
	{"MM", 1, 2, false, 1, 12},        {"0M", 2, 2, true, 1, 12},   {"WW", 1, 2, false, 0, 53},
	{"0W", 2, 2, true, 0, 53},         {"DD", 1, 2, false, 1, 31},  {"0D", 2, 2, true, 1, 31},
	{"MICRO", 1, VERSION_LIMIT, false, 0, 0},
};

/* Returns the specifier that format begins with, or NULL. */
static const struct specifier *find_specifier(const char *format)
{
	for (size_t i = 0; i < sizeof specifiers / sizeof *specifiers; i++)
		if (str_starts(format, specifiers[i].name))
			return &specifiers[i];
	return NULL;
}

static int refuse_format(const char *calver, struct error *error, const char *why, const char *what)
{
	error_set(error, ERROR_CONFIG, "--calver %s: %s%s", calver, why, what);
	return error_hint(error,
			  "write a form such as YYYY.0M.MICRO from YYYY YY 0Y MM 0M WW 0W DD 0D MICRO and . _ - between them");
}

/* A number without a fixed width would swallow the digits that follow. */
static bool runs_on(const struct specifier *specifier, const char *rest)
{
	bool fixed = specifier->least_digits == specifier->most_digits;

	return !fixed && (isdigit((unsigned char)*rest) || find_specifier(rest));
}

int version_check_format(const char *calver, struct error *error)
{
	size_t count = 0;

	for (const char *at = calver; at && *at;) {
		const struct specifier *specifier = find_specifier(at);
		if (!specifier && (isdigit((unsigned char)*at) || islower((unsigned char)*at) || strchr("._-", *at))) {
			at++;
			continue;
		}
		if (!specifier)
			return refuse_format(calver, error, "nothing is known that begins as ", at);
		at += strlen(specifier->name);
		if (runs_on(specifier, at))
			return refuse_format(calver, error, "digits follow a number of no fixed width; write . or - behind ",
					     specifier->name);
		if (++count > VERSION_PARTS)
			return refuse_format(calver, error, "it has more numbers than anybody needs", "");
	}
	return calver && !count ? refuse_format(calver, error, "it holds no year, month, week, day or MICRO", "") : 0;
}

/* Moves past a number of at most digits digits; leading zeros only when padded. Returns false when there is none. */
static bool take_number(const char **at, size_t most_digits, bool padded, struct span *ret)
{
	size_t length = strspn(*at, "0123456789");

	if (length > most_digits)
		length = most_digits;
	*ret = (struct span){*at, length};
	*at += length;
	return length && (padded || length == 1 || ret->at[0] != '0');
}

/* Moves past identifiers that are separated by dots; strict ones have no leading zero when they are numbers. */
static bool take_identifiers(const char **at, bool strict, struct span *ret)
{
	const char *start = *at;

	for (;;) {
		const char *identifier = *at;
		size_t digits = strspn(identifier, "0123456789");
		while (isalnum((unsigned char)**at) || **at == '-')
			++*at;
		size_t length = (size_t)(*at - identifier);
		if (length == 0 || (strict && digits == length && length > 1 && *identifier == '0'))
			return false;
		if (**at != '.')
			break;
		++*at;
	}
	*ret = (struct span){start, (size_t)(*at - start)};
	return true;
}

int version_check_slot(const char *slot, struct error *error)
{
	const char *at = slot;
	struct span whole;

	if (!slot || !*slot || (take_identifiers(&at, false, &whole) && !*at))
		return 0;
	error_set(error, ERROR_CONFIG, "--slot %s: expected what follows the + of a version", slot);
	return error_hint(error, "write letters, digits, - and . only, such as --slot blue for v1.2.3+blue");
}

/* Reads what follows the numbers, to the end. */
static bool take_suffix(const char *at, struct version *version)
{
	if (*at == '-' && (++at, !take_identifiers(&at, true, &version->prerelease)))
		return false;
	if (*at == '+' && (++at, !take_identifiers(&at, false, &version->build)))
		return false;
	return *at == '\0';
}

static bool in_range(const struct specifier *specifier, struct span number)
{
	int value = 0;

	if (number.length < specifier->least_digits)
		return false;
	if (!specifier->most)
		return true;
	for (size_t i = 0; i < number.length; i++)
		value = value * 10 + number.at[i] - '0';
	return value >= specifier->least && value <= specifier->most;
}

static bool parse_calendar(struct version *version, const char *calver, const char *at)
{
	if (*calver == 'v')
		calver++;
	while (*calver) {
		const struct specifier *specifier = find_specifier(calver);
		struct span *number = &version->parts[version->count];
		if (!specifier) {
			if (*at++ != *calver++)
				return false;
			continue;
		}
		if (!take_number(&at, specifier->most_digits, specifier->padded, number) || !in_range(specifier, *number))
			return false;
		version->count++;
		calver += strlen(specifier->name);
	}
	return take_suffix(at, version);
}

static bool parse_semantic(struct version *version, const char *at)
{
	for (version->count = 0; version->count < 3; version->count++) {
		if (version->count && *at++ != '.')
			return false;
		if (!take_number(&at, VERSION_LIMIT, false, &version->parts[version->count]))
			return false;
	}
	return take_suffix(at, version);
}

bool version_parse(struct version *ret, const char *calver, const char *text)
{
	const char *at = *text == 'v' ? text + 1 : text;

	*ret = (struct version){0};
	if (strnlen(text, VERSION_LIMIT + 1) > VERSION_LIMIT)
		return false;
	return calver ? parse_calendar(ret, calver, at) : parse_semantic(ret, at);
}

static int compare_numbers(struct span a, struct span b)
{
	for (; a.length && *a.at == '0'; a.length--)
		a.at++;
	for (; b.length && *b.at == '0'; b.length--)
		b.at++;
	if (a.length != b.length)
		return a.length < b.length ? -1 : 1;
	return memcmp(a.at, b.at, a.length);
}

static bool is_number(struct span span)
{
	for (size_t i = 0; i < span.length; i++)
		if (!isdigit((unsigned char)span.at[i]))
			return false;
	return true;
}

/* Semantic Versioning 2.0.0, item 11: numbers come before words, words are in ASCII order. */
static int compare_identifiers(struct span a, struct span b)
{
	bool a_number = is_number(a), b_number = is_number(b);

	if (a_number && b_number)
		return compare_numbers(a, b);
	if (a_number != b_number)
		return a_number ? -1 : 1;
	int order = memcmp(a.at, b.at, a.length < b.length ? a.length : b.length);
	return order ? order : (a.length > b.length) - (a.length < b.length);
}

/* Cuts the first identifier off. */
static struct span next_identifier(struct span *rest)
{
	const char *dot = memchr(rest->at, '.', rest->length);
	struct span identifier = {rest->at, dot ? (size_t)(dot - rest->at) : rest->length};
	size_t used = identifier.length + (dot != NULL);

	rest->at += used;
	rest->length -= used;
	return identifier;
}

static int compare_prereleases(struct span a, struct span b)
{
	if (!a.length || !b.length)
		return (a.length == 0) - (b.length == 0); /* a release is newer than its pre-releases */
	while (a.length && b.length) {
		int order = compare_identifiers(next_identifier(&a), next_identifier(&b));
		if (order)
			return order;
	}
	return (a.length > 0) - (b.length > 0);
}

int version_compare(const struct version *a, const struct version *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++) {
		int order = compare_numbers(a->parts[i], b->parts[i]);
		if (order)
			return order;
	}
	return compare_prereleases(a->prerelease, b->prerelease);
}

bool span_equal(struct span span, const char *text)
{
	return strlen(text) == span.length && memcmp(span.at, text, span.length) == 0;
}
