/* SPDX-License-Identifier: MIT */
/* Versions: Semantic Versioning 2.0.0 (https://semver.org) with an optional v, or calendar versions (https://calver.org) of a
 * given form. Numbers have any size: they are compared as digits and never converted. */
#ifndef DEWY_VERSION_H
#define DEWY_VERSION_H

#include <stdbool.h>
#include <stddef.h>

struct error;

enum { VERSION_LIMIT = 255, VERSION_PARTS = 8 };

/* A piece of the text that a version was read from. */
struct span {
	const char *at;
	size_t length;
};

struct version {
	struct span parts[VERSION_PARTS]; /* the numbers, the most significant first */
	size_t count;
	struct span prerelease; /* what follows the -, empty for none */
	struct span build;      /* what follows the +, empty for none: the slot */
};

/* Checks a calendar form: YYYY YY 0Y MM 0M WW 0W DD 0D MICRO between small letters, digits and "._-". NULL stands for
 * semantic versions and is always right. Returns 0, or -1 with ERROR_CONFIG. */
int version_check_format(const char *calver, struct error *error);

/* Checks a slot: letters, digits, "-" and ".", as in the build metadata of a version. NULL and "" are right, too. Returns 0, or
 * -1 with ERROR_CONFIG. */
int version_check_slot(const char *slot, struct error *error);

/* Reads text, of at most VERSION_LIMIT bytes, as a version of the calendar form, or as a semantic one when calver is NULL.
 * Returns false when it is none. The version points into text. */
bool version_parse(struct version *ret, const char *calver, const char *text);

/* Returns less than, equal to or greater than 0 as a is older than, of the same age as, or newer than b. Build metadata does
 * not count. Both are of the same form. */
int version_compare(const struct version *a, const struct version *b);

/* True when the span is exactly text. */
bool span_equal(struct span span, const char *text);

#endif
