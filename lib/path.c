/* SPDX-License-Identifier: MIT */
#include "path.h"

#include "alloc.h"
#include "buf.h"
#include "str.h"

#include <limits.h>
#include <string.h>

enum { LABEL_BYTES = 160 };

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 127)
			return true;
	return false;
}

static bool is_part(const char *part, size_t length, const char *text)
{
	return length == strlen(text) && memcmp(part, text, length) == 0;
}

/* Moves *rest behind the next part that is neither empty nor ".". Returns it with its length, or NULL at the end. */
static const char *next_part(const char **rest, size_t *ret_length)
{
	const char *part;

	do {
		part = *rest + strspn(*rest, "/");
		*ret_length = strcspn(part, "/");
		*rest = part + *ret_length;
	} while (is_part(part, *ret_length, "."));
	return *ret_length ? part : NULL;
}

bool path_is_crooked(const char *path)
{
	for (;; path++) {
		size_t length = strcspn(path, "/");
		if (length == 0 || (length <= 2 && strspn(path, ".") >= length))
			return true;
		path += length;
		if (!*path)
			return false;
	}
}

const char *path_clean(struct buf *clean, const char *path)
{
	size_t length, depth = 0;

	if (!*path)
		return "the name is empty";
	if (*path == '/')
		return "the name is absolute";
	if (strlen(path) >= PATH_BYTES)
		return "the name is longer than 4095 bytes";
	if (has_control(path))
		return "the name contains a control character";
	buf_puts(clean, "");
	for (const char *part; (part = next_part(&path, &length)); depth++) {
		if (is_part(part, length, ".."))
			return "the name contains \"..\"";
		if (length > NAME_MAX)
			return "a part of the name is longer than 255 bytes";
		if (depth == PATH_DEPTH)
			return "the name is deeper than 200 directories";
		if (depth)
			buf_puts(clean, "/");
		buf_add(clean, part, length);
	}
	return NULL;
}

static size_t count_slashes(const char *path)
{
	size_t count = 0;

	for (; *path; path++)
		count += *path == '/';
	return count;
}

const char *path_judge_link(const char *path, const char *target)
{
	size_t length, left = count_slashes(path);
	bool down = false;

	if (!*target)
		return "the link leads to an empty name";
	if (*target == '/')
		return "the link leads to an absolute name";
	if (strlen(target) >= PATH_BYTES)
		return "the link leads to a name longer than 4095 bytes";
	if (has_control(target))
		return "the link leads to a name with a control character";
	for (const char *part; (part = next_part(&target, &length));) {
		if (!is_part(part, length, ".."))
			down = true;
		else if (down)
			return "the link climbs with \"..\" after it went down";
		else if (left-- == 0)
			return "the link leads outside";
	}
	return NULL;
}

char *path_label(const char *path)
{
	AUTO_BUF struct buf label = {0};

	str_add_escaped(&label, path);
	size_t end = LABEL_BYTES;
	if (label.length <= end)
		return xstrdup(buf_text(&label));
	while (end && ((unsigned char)label.data[end] & 0xc0) == 0x80)
		end--;
	return xasprintf("%.*s...", (int)end, label.data);
}
