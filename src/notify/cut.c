/* SPDX-License-Identifier: MIT */
#include "notify/cut.h"

#include "alloc.h"
#include "cleanup.h"

#include <string.h>

enum { NOTE = 40 }; /* bytes that what is said of the rest needs at the most, its line break included */

static size_t count_lines(const char *text, size_t length)
{
	size_t lines = length ? 1 : 0;

	for (size_t i = 0; i < length; i++)
		lines += text[i] == '\n';
	return lines;
}

/* Returns the bytes of the first lines that fit into room bytes, without the break of the last one. */
static size_t fit_lines(const char *text, size_t length, size_t lines, size_t room)
{
	size_t kept = 0;

	for (size_t start = 0; lines && start < length; lines--) {
		const char *end = memchr(text + start, '\n', length - start);
		size_t stop = end ? (size_t)(end - text) : length;
		if (stop > room)
			break;
		kept = stop;
		start = stop + 1;
	}
	return kept;
}

/* Returns at most room, so that no UTF-8 sequence is torn. */
static size_t fit_characters(const char *text, size_t room)
{
	while (room && ((unsigned char)text[room] & 0xc0) == 0x80)
		room--;
	return room;
}

char *message_cut(const char *text, size_t lines, size_t bytes)
{
	size_t length = strlen(text);

	while (length && strchr("\r\n", text[length - 1]))
		length--;
	size_t total = count_lines(text, length);
	if (total <= lines && length <= bytes)
		return xstrndup(text, length);
	size_t kept = fit_lines(text, length, lines, bytes - NOTE);
	if (!kept) {
		kept = fit_characters(text, bytes - NOTE);
		return xasprintf("%.*s... (%zu more bytes)", (int)kept, text, length - kept);
	}
	size_t missing = total - count_lines(text, kept);
	return xasprintf("%.*s\n... (%zu more line%s)", (int)kept, text, missing, missing == 1 ? "" : "s");
}

char *message_last_line(const char *text, size_t bytes)
{
	AUTO_FREE char *lines = xstrdup(text);
	size_t length = strlen(lines);

	while (length && strchr(" \r\n", lines[length - 1]))
		lines[--length] = '\0';
	const char *newline = strrchr(lines, '\n');
	return message_cut(newline ? newline + 1 : lines, 1, bytes);
}
