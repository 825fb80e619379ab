/* SPDX-License-Identifier: MIT */
#include "option_value.h"

#include "alloc.h"
#include "buf.h"
#include "str.h"

#include <string.h>

static bool is_choice(const char *choices, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = choices; at && length; at = strchr(at, '|')) {
		at += *at == '|';
		if (strncmp(at, word, length) == 0 && (at[length] == '|' || at[length] == '\0'))
			return true;
	}
	return false;
}

int option_truth(const char *text)
{
	return is_choice("1|true|yes|on", text) ? 1 : is_choice("0|false|no|off", text) ? 0 : -1;
}

void option_value_add(struct option_value *value, const char *item)
{
	value->items = xreallocarray(value->items, value->item_count + 2, sizeof *value->items);
	value->items[value->item_count++] = item;
	value->items[value->item_count] = NULL;
}

static void add_number(struct buf *buf, enum option_type type, long long number)
{
	if (type == OPTION_DURATION)
		str_add_duration(buf, number);
	else
		buf_printf(buf, "%lld", number);
}

/* Returns the numbers that the option takes, in words; they are in accepted. */
static const char *describe_range(const struct option_spec *spec, struct buf *accepted)
{
	buf_puts(accepted, "at least ");
	add_number(accepted, spec->type, spec->least);
	if (spec->most) {
		buf_puts(accepted, " and at most ");
		add_number(accepted, spec->type, spec->most);
	}
	return buf_text(accepted);
}

const char *option_value_set(const struct option_spec *spec, struct option_value *value, const char *text, struct buf *accepted)
{
	switch (spec->type) {
	case OPTION_FLAG:
		value->number = option_truth(text);
		if (value->number < 0)
			return "1 or 0, true or false, yes or no, on or off";
		break;
	case OPTION_NUMBER:
		if (str_to_number(text, &value->number))
			return "a whole number";
		break;
	case OPTION_DURATION:
		if (str_to_duration(text, &value->number))
			return "a duration such as 30, 500ms, 10s, 5m or 2h";
		break;
	case OPTION_SIZE:
		if (str_to_size(text, &value->number))
			return "a size such as 1048576, 512M or 2G";
		break;
	case OPTION_CHOICE:
		if (!is_choice(spec->argument, text))
			return spec->argument;
		break;
	case OPTION_STRING:
	case OPTION_LIST:
		if (spec->least && !text[strspn(text, OPTION_SPACE)])
			return "a text that is not empty";
		break;
	case OPTION_MAYBE:
		break;
	}
	if (spec->type == OPTION_NUMBER || spec->type == OPTION_DURATION || spec->type == OPTION_SIZE) {
		if (value->number < spec->least || (spec->most && value->number > spec->most))
			return describe_range(spec, accepted);
	}
	free(value->text);
	value->text = xstrdup(text);
	return NULL;
}
