/* SPDX-License-Identifier: MIT */
#include "mime.h"

#include "alloc.h"
#include "base64.h"
#include "buf.h"
#include "str.h"

#include <stdbool.h>
#include <string.h>

enum {
	LINE = 78,         /* bytes of a line of a header that has no encoded words */
	ENCODED_LINE = 76, /* of one that has, and of a body */
	LONGEST_WORD = 60, /* what is longer could not be folded, and is encoded */
};

static const char word_start[] = "=?utf-8?B?", word_end[] = "?=";

/* Returns the bytes that the line end at text takes, 0 when there is none. */
static size_t line_end(const char *text)
{
	return text[0] == '\r' && text[1] == '\n' ? 2 : text[0] == '\r' || text[0] == '\n';
}

static char *clean(const char *text, const char *end, const char *tab)
{
	AUTO_BUF struct buf valid = {0}, cleaned = {0};

	str_add_utf8(&valid, text);
	for (const char *at = buf_text(&valid); *at;) {
		size_t length = line_end(at), letter = str_utf8_length(at);
		if (length)
			buf_puts(&cleaned, end);
		else if (*at == '\t')
			buf_puts(&cleaned, tab);
		else if (!str_control(at))
			buf_add(&cleaned, at, letter);
		at += length ? length : letter;
	}
	buf_puts(&cleaned, "");
	return buf_steal(&cleaned);
}

char *mime_line(const char *text)
{
	return clean(text, " ", " ");
}

char *mime_lines(const char *text)
{
	return clean(text, "\n", "\t");
}

/* True when the text means the same after it was folded: ASCII, words of a moderate length with one space between them, and nothing
 * that looks like an encoded word. */
static bool is_plain(const char *text)
{
	size_t length = strlen(text), word = 0;

	if (strstr(text, "=?") || strstr(text, "  ") || text[0] == ' ' || (length && text[length - 1] == ' '))
		return false;
	for (; *text; text++) {
		word = *text == ' ' ? 0 : word + 1;
		if (word > LONGEST_WORD || (unsigned char)*text > '~')
			return false;
	}
	return true;
}

/* Appends plain text behind column bytes of a line. */
static void add_folded(struct buf *buf, size_t column, const char *text)
{
	while (*text) {
		size_t length = strcspn(text + 1, " ") + 1; /* with the space before it */
		if (*text == ' ' && column + length > LINE) {
			buf_puts(buf, "\n");
			column = 0;
		}
		buf_add(buf, text, length);
		column += length;
		text += length;
	}
}

/* Returns how many bytes of text, whole characters, fit into most bytes. */
static size_t piece_of(const char *text, size_t most)
{
	size_t length = 0, letter;

	while (text[length] && length + (letter = str_utf8_length(text + length)) <= most)
		length += letter;
	return length;
}

/* Returns how many bytes an encoded word behind column bytes of a line can stand for. */
static size_t room_at(size_t column)
{
	return (ENCODED_LINE - column - strlen(word_start) - strlen(word_end)) / 4 * 3;
}

/* Appends most bytes of text, if there are that many, as one encoded word. Returns how many it took. */
static size_t add_word(struct buf *buf, const char *text, size_t most)
{
	size_t length = piece_of(text, most);

	buf_puts(buf, word_start);
	base64_add(buf, text, length);
	buf_puts(buf, word_end);
	return length;
}

/* Appends text as encoded words, one a line, behind column bytes of a line. */
static void add_encoded(struct buf *buf, size_t column, const char *text)
{
	while (*text) {
		text += add_word(buf, text, room_at(column));
		if (*text)
			buf_puts(buf, "\n "); /* which the reader leaves out between two of them */
		column = 1;
	}
}

/* Appends "NAME: ". Returns its length. */
static size_t begin(struct buf *buf, const char *name)
{
	buf_printf(buf, "%s: ", name);
	return strlen(name) + 2;
}

void mime_add_text(struct buf *buf, const char *name, const char *text)
{
	AUTO_FREE char *line = mime_line(text);
	size_t column = begin(buf, name);

	if (is_plain(line))
		add_folded(buf, column, line);
	else
		add_encoded(buf, column, line);
	buf_puts(buf, "\n");
}

/* Appends a quoted string (RFC 5322, 3.2.4). */
static void add_quoted(struct buf *buf, const char *text)
{
	buf_puts(buf, "\"");
	for (; *text; text++)
		buf_printf(buf, "%s%c", strchr("\"\\", *text) ? "\\" : "", *text);
	buf_puts(buf, "\"");
}

/* A name is cut to what one encoded word can hold: not all programs know what is between two of them in a name. */
void mime_add_mailbox(struct buf *buf, const char *name, const char *display, const char *address)
{
	AUTO_FREE char *line = mime_line(display ? display : "");
	size_t column = begin(buf, name);

	if (!*line) {
		buf_printf(buf, "%s\n", address);
		return;
	}
	if (is_plain(line) && strlen(line) <= LONGEST_WORD / 2) /* each of its characters may take two */
		add_quoted(buf, line);
	else
		add_word(buf, line, room_at(column));
	buf_printf(buf, "\n <%s>\n", address);
}

void mime_add_list(struct buf *buf, const char *name, const char *separator, const char *const *items)
{
	begin(buf, name);
	for (; *items; items++)
		buf_printf(buf, "%s%s", *items, items[1] ? separator : "");
	buf_puts(buf, "\n");
}

void mime_add_date(struct buf *buf, time_t when)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm tm = {0};

	gmtime_r(&when, &tm);
	buf_printf(buf, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\n", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
		   tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* True when the character at text has to be encoded, at that column of a line. */
static bool is_special(const char *text, size_t column)
{
	if (column == 0 && (*text == '.' || str_starts(text, "From ")))
		return true;
	if (*text == ' ' || *text == '\t')
		return text[1] == '\n' || text[1] == '\0';
	return *text < '!' || *text > '~' || *text == '=';
}

void mime_add_quoted_printable(struct buf *buf, const char *text)
{
	size_t column = 0;

	for (; *text; text++) {
		size_t length = *text == '\n' ? 0 : is_special(text, column) ? 3 : 1;
		if (column + length >= ENCODED_LINE) {
			buf_puts(buf, "=\n");
			column = 0;
			length = is_special(text, column) ? 3 : 1;
		}
		if (length == 3)
			buf_printf(buf, "=%02X", (unsigned)(unsigned char)*text);
		else
			buf_add(buf, text, 1);
		column = length ? column + length : 0;
	}
	if (column)
		buf_puts(buf, "\n");
}
