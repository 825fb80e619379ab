/* SPDX-License-Identifier: MIT */
#include "str.h"

#include "alloc.h"
#include "buf.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

bool str_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
	size_t length = strlen(text), end = strlen(suffix);

	return length >= end && strcmp(text + length - end, suffix) == 0;
}

size_t str_utf8_length(const char *start)
{
	const unsigned char *text = (const unsigned char *)start;
	size_t length = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : text[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) || (text[0] == 0xf0 && text[1] < 0x90) ||
	    (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

unsigned str_control(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;
	unsigned code;

	if (byte[0] < 0x80) /* nearly every one */
		return byte[0] < ' ' || byte[0] == 127 ? byte[0] : 0;
	switch (str_utf8_length(text)) {
	case 2:
		code = (byte[0] & 0x1fu) << 6 | (byte[1] & 0x3fu);
		return code < 0xa0 || code == 0x61c ? code : 0;
	case 3:
		code = (byte[0] & 0xfu) << 12 | (byte[1] & 0x3fu) << 6 | (byte[2] & 0x3fu);
		return code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)
			       ? code
			       : 0;
	default:
		return 0;
	}
}

bool str_is_file_name(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > NAME_MAX || text[0] == '.')
		return false;
	for (size_t i = 0, step; i < length; i += step) {
		step = str_utf8_length(text + i);
		if (step == 0 || text[i] == '/' || str_control(text + i))
			return false;
	}
	return true;
}

int str_to_number(const char *text, long long *ret_number)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -1;
	errno = 0;
	*ret_number = strtoll(text, &end, 10);
	return errno || *end ? -1 : 0;
}

int str_to_duration(const char *text, long long *ret_milliseconds)
{
	static const struct {
		const char *unit;
		double factor;
	} units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
	size_t digits = strspn(text, "0123456789.");
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -1;
	double number = strtod(text, &end);
	if (end != text + digits)
		return -1;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		double milliseconds = number * units[i].factor;
		if (milliseconds > 1e14)
			return -1;
		*ret_milliseconds = (long long)(milliseconds + 0.5);
		return 0;
	}
	return -1;
}

int str_to_size(const char *text, long long *ret_bytes)
{
	static const char prefixes[] = "KMGT";
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -1;
	errno = 0;
	long long bytes = strtoll(text, &end, 10);
	if (errno)
		return -1;
	const char *prefix = *end ? strchr(prefixes, toupper((unsigned char)*end)) : NULL;
	if (prefix) {
		int shift = 10 * (int)(prefix - prefixes + 1);
		if (bytes > LLONG_MAX >> shift)
			return -1;
		bytes <<= shift;
		end++;
		if (*end == 'i' && end[1] == 'B')
			end++;
	}
	if (*end == 'B')
		end++;
	*ret_bytes = bytes;
	return *end ? -1 : 0;
}

void str_add_duration(struct buf *buf, long long milliseconds)
{
	long long seconds = milliseconds / 1000;

	if (milliseconds < 1000)
		buf_printf(buf, "%lldms", milliseconds);
	else if (seconds < 60 && milliseconds % 1000 / 100)
		buf_printf(buf, "%lld.%llds", seconds, milliseconds % 1000 / 100);
	else if (seconds < 60)
		buf_printf(buf, "%llds", seconds);
	else if (seconds < 3600 && seconds % 60)
		buf_printf(buf, "%lldm%llds", seconds / 60, seconds % 60);
	else if (seconds < 3600)
		buf_printf(buf, "%lldm", seconds / 60);
	else if (seconds / 60 % 60)
		buf_printf(buf, "%lldh%lldm", seconds / 3600, seconds / 60 % 60);
	else
		buf_printf(buf, "%lldh", seconds / 3600);
}

void str_add_size(struct buf *buf, long long bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double size = (double)bytes;
	size_t unit = 0;

	for (; size >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
		size /= 1024;
	buf_printf(buf, unit ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

void str_add_escaped(struct buf *buf, const char *text)
{
	static const char plain[] = "\"\\\n\r\t", letters[] = "\"\\nrt";

	while (*text) {
		size_t length = str_utf8_length(text);
		const char *found = strchr(plain, *text);
		if (found)
			buf_printf(buf, "\\%c", letters[found - plain]);
		else if (str_control(text))
			buf_printf(buf, "\\u%04x", str_control(text));
		else if (length)
			buf_add(buf, text, length);
		else
			buf_puts(buf, "\\ufffd");
		text += length ? length : 1;
	}
}

void str_add_utf8(struct buf *buf, const char *text)
{
	while (*text) {
		size_t length = str_utf8_length(text);
		if (length)
			buf_add(buf, text, length);
		else
			buf_puts(buf, "\xef\xbf\xbd");
		text += length ? length : 1;
	}
}

void str_add_visible(struct buf *buf, const char *text)
{
	AUTO_BUF struct buf valid = {0};

	str_add_utf8(&valid, text);
	for (const char *at = buf_text(&valid); *at; at += str_utf8_length(at)) {
		if (str_control(at))
			buf_printf(buf, "\\u%04x", str_control(at));
		else
			buf_add(buf, at, str_utf8_length(at));
	}
}

char **str_split(const char *text, size_t *ret_count)
{
	static const char space[] = " \t\r\n";
	size_t length = strlen(text), most = length / 2 + 1;
	char **words = xcalloc(1, (most + 1) * sizeof *words + length + 1);
	char *copy = (char *)(words + most + 1);
	size_t count = 0;

	memcpy(copy, text, length + 1);
	for (char *rest = copy + strspn(copy, space); *rest; rest += strspn(rest, space)) {
		words[count++] = rest;
		rest += strcspn(rest, space);
		if (*rest)
			*rest++ = '\0';
	}
	*ret_count = count;
	return words;
}
