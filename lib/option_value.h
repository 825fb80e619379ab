/* SPDX-License-Identifier: MIT */
/* What option.c keeps of an option: its value, checked. */
#ifndef DEWY_OPTION_VALUE_H
#define DEWY_OPTION_VALUE_H

#include "option.h"

struct buf;

#define OPTION_SPACE " \t\r\n" /* separates the items of a list in the environment */

struct option_value {
	bool given;
	bool by_flag;
	long long number;
	char *text;         /* the last one given */
	const char **items; /* of a list, ended by NULL */
	size_t item_count;
	char **words; /* what items from the environment point into */
};

/* Sets the value from text; the items of a list come one by one. Returns NULL, or what would have been accepted, for which
 * accepted may be used. */
const char *option_value_set(const struct option_spec *spec, struct option_value *value, const char *text, struct buf *accepted);

/* Adds an item, which is not copied, to the value of a list. */
void option_value_add(struct option_value *value, const char *item);

#endif
