/* SPDX-License-Identifier: MIT */
#include "words.h"

#include "alloc.h"

#include <stdlib.h>

void words_free(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->items[i]);
	free(words->items);
	*words = (struct words){0};
}

static void take(struct words *words, char *text)
{
	words->items = xreallocarray(words->items, words->count + 2, sizeof *words->items);
	words->items[words->count++] = text;
	words->items[words->count] = NULL;
}

void words_add(struct words *words, const char *text)
{
	take(words, xstrdup(text));
}

void words_add_all(struct words *words, const char *prefix, const char *const *list)
{
	for (; *list; list++)
		take(words, xasprintf("%s%s", prefix, *list));
}

const char *const *words_list(const struct words *words)
{
	static const char *const none[] = {NULL};

	return words->items ? (const char *const *)words->items : none;
}
