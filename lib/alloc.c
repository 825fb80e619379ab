/* SPDX-License-Identifier: MIT */
#include "alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *xrequire(void *pointer)
{
	static const char sentence[] = "dewy: out of memory: free some, or raise the memory limit of this process\n";

	if (pointer)
		return pointer;
	ssize_t written = write(STDERR_FILENO, sentence, sizeof sentence - 1);
	(void)written; /* nothing is left to tell it to */
	_exit(3);
}

void *xcalloc(size_t count, size_t size)
{
	return xrequire(calloc(count ? count : 1, size ? size : 1));
}

void *xreallocarray(void *pointer, size_t count, size_t size)
{
	return xrequire(reallocarray(pointer, count ? count : 1, size ? size : 1));
}

char *xstrdup(const char *text)
{
	return text ? xrequire(strdup(text)) : NULL;
}

char *xstrndup(const char *text, size_t length)
{
	size_t letters = strnlen(text, length);

	return memcpy(xcalloc(letters + 1, 1), text, letters); /* strndup() is taken for a reader of the whole text by sanitizers */
}

char *xasprintf(const char *format, ...)
{
	char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	return xrequire(length < 0 ? NULL : text);
}
