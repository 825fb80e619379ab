/* SPDX-License-Identifier: MIT */
/* Allocation that cannot fail. Out of memory ends the process with one sentence and status 3: every step on disk is
 * published by a rename, so there is nothing to unwind, and the next run converges. */
#ifndef DEWY_ALLOC_H
#define DEWY_ALLOC_H

#include <stddef.h>

/* Returns pointer, which some other allocator made; NULL ends the process. */
void *xrequire(void *pointer);

/* Returns zeroed memory for count members of size bytes each; the caller frees it. */
void *xcalloc(size_t count, size_t size);

/* Returns the block resized to count members of size bytes each, checked for overflow; pointer may be NULL. */
void *xreallocarray(void *pointer, size_t count, size_t size);

/* Returns a copy of text, which may be NULL (then so is the result); the caller frees it. */
char *xstrdup(const char *text);

/* Returns a copy of the first length bytes of text, terminated; the caller frees it. */
char *xstrndup(const char *text, size_t length);

/* Returns the formatted text; the caller frees it. */
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
