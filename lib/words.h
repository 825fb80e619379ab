/* SPDX-License-Identifier: MIT */
/* A growing list of texts, such as the arguments of a program. {0} is an empty one. */
#ifndef DEWY_WORDS_H
#define DEWY_WORDS_H

#include <stddef.h>

struct words {
	char **items; /* ended by NULL once one was added */
	size_t count;
};

#define AUTO_WORDS __attribute__((cleanup(words_free)))

void words_free(struct words *words);

/* Appends a copy of the text. */
void words_add(struct words *words, const char *text);

/* Appends each text of the list, which is ended by NULL, with prefix before it. */
void words_add_all(struct words *words, const char *prefix, const char *const *list);

/* Returns the texts as an array ended by NULL, which belongs to words. */
const char *const *words_list(const struct words *words);

#endif
