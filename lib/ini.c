/* SPDX-License-Identifier: MIT */
#include "ini.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "json.h"

#include <ctype.h>
#include <string.h>

static const char blanks[] = " \t\r";

/* Ends the text before the white space at its end, and returns where it begins behind that at its start. */
static char *trim(char *text)
{
	text += strspn(text, blanks);
	for (size_t length = strlen(text); length && strchr(blanks, text[length - 1]); length--)
		text[length - 1] = '\0';
	return text;
}

/* Cuts off what follows a # or ; after white space. */
static void cut_comment(char *line)
{
	for (char *mark = line; (mark = strpbrk(mark, "#;")); mark++)
		if (mark == line || strchr(blanks, mark[-1])) {
			*mark = '\0';
			return;
		}
}

/* Returns the section of the line "[NAME]", made when it is not there: with single spaces, and without quotation marks. */
static cJSON *open_section(cJSON *ini, char *line)
{
	char *end = strchr(line, ']'), *word, *rest = line + 1;
	AUTO_BUF struct buf name = {0};

	if (!end)
		return NULL;
	*end = '\0';
	while ((word = strsep(&rest, " \t\"'")))
		if (*word)
			buf_printf(&name, "%s%s", name.length ? " " : "", word);
	cJSON *section = cJSON_GetObjectItemCaseSensitive(ini, buf_text(&name));
	return section ? section : xrequire(cJSON_AddObjectToObject(ini, buf_text(&name)));
}

static int add_setting(cJSON *section, char *line)
{
	char *equals = strchr(line, '=');

	if (!section || !equals)
		return -1;
	*equals = '\0';
	char *name = trim(line);
	for (char *letter = name; *letter; letter++)
		*letter = (char)tolower((unsigned char)*letter);
	cJSON_DeleteItemFromObjectCaseSensitive(section, name);
	xrequire(cJSON_AddStringToObject(section, name, trim(equals + 1)));
	return 0;
}

cJSON *ini_parse(const char *text, struct error *error)
{
	AUTO_JSON cJSON *ini = xrequire(cJSON_CreateObject());
	AUTO_FREE char *copy = xstrdup(text);
	cJSON *section = NULL;
	char *rest = copy, *line;

	for (int number = 1; (line = strsep(&rest, "\n")); number++) {
		bool indented = *line && strchr(blanks, *line);
		cut_comment(line);
		char *content = trim(line);
		if (!*content || (indented && section))
			continue;
		if (*content == '[' ? !(section = open_section(ini, content)) : add_setting(section, content)) {
			error_set(error, ERROR_CONFIG, "line %d is neither [SECTION] nor a setting NAME = VALUE in one", number);
			return NULL;
		}
	}
	return steal_pointer(&ini);
}

const char *ini_get(const cJSON *ini, const char *section, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(ini, section), name));
}
