/* SPDX-License-Identifier: MIT */
#include "notify/slack_text.h"

#include "alloc.h"
#include "buf.h"
#include "notify/cut.h"
#include "str.h"

#include <stdint.h>
#include <string.h>

#define FENCE "```"
#define NO_SPACE "\xe2\x80\x8b" /* U+200B: it takes no room, and yet keeps its neighbours apart */

/* What may stay besides what every text may hold. */
enum kept {
	KEEP_NOTHING,
	KEEP_BREAKS, /* line breaks and tabs */
	KEEP_CODE,   /* those, in a block of code */
};

/* Appends what stands for the character that is none of those which people read: a control character, or a byte that is not
 * UTF-8. */
static void add_shown(struct buf *buf, const char *text, size_t length)
{
	char one[8] = {0};

	memcpy(one, text, length ? length : 1);
	str_add_escaped(buf, one);
}

/* Appends the character that text begins with, and returns its bytes. */
static size_t add_character(struct buf *buf, const char *text, enum kept kept)
{
	size_t length = str_utf8_length(text);

	if (*text == '&')
		buf_puts(buf, "&amp;");
	else if (*text == '<')
		buf_puts(buf, "&lt;");
	else if (*text == '>')
		buf_puts(buf, "&gt;");
	else if (kept && *text == '\r' && text[1] == '\n')
		return 1;
	else if (length && (!str_control(text) || (kept && strchr("\n\t", *text))))
		buf_add(buf, text, length);
	else
		add_shown(buf, text, length);
	if (kept == KEEP_CODE && *text == '`' && text[1] == '`')
		buf_puts(buf, NO_SPACE);
	return length ? length : 1;
}

static void add(struct buf *buf, const char *text, enum kept kept)
{
	while (*text)
		text += add_character(buf, text, kept);
}

void slack_add_line(struct buf *buf, const char *text)
{
	add(buf, text, KEEP_NOTHING);
}

/* Returns text escaped within bytes bytes. What is escaped is longer, at most sixfold: less of the text is tried until it fits. */
static char *fit(const char *text, size_t lines, size_t bytes, enum kept kept)
{
	AUTO_BUF struct buf escaped = {0};

	for (size_t room = bytes;; room /= 2) {
		AUTO_FREE char *cut = message_cut(text, lines, room);
		buf_clear(&escaped);
		add(&escaped, cut, kept);
		if (escaped.length <= bytes)
			return xstrdup(buf_text(&escaped));
	}
}

char *slack_lines(const char *text, size_t bytes)
{
	return fit(text, SIZE_MAX, bytes, KEEP_BREAKS);
}

char *slack_code(const char *text, size_t lines, size_t bytes)
{
	AUTO_FREE char *code = fit(text, lines, bytes - 2 * strlen(FENCE "\n"), KEEP_CODE);

	return *code ? xasprintf(FENCE "\n%s\n" FENCE, code) : steal_pointer(&code);
}
