/* SPDX-License-Identifier: MIT */
#include "xml.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "json.h"

#include <expat.h>
#include <stdbool.h>
#include <string.h>

enum {
	PATH_MOST = 512,
	TEXT_MOST = 16384,
	PIECE_MOST = 1 << 20,
	MEMBERS_MOST = 64, /* looking for one among them must stay cheap */
};

struct xml {
	XML_Parser parser;
	void (*visit)(void *context, const char *path, const char *text);
	void *context;
	struct buf path, text;
	const char *refused; /* why, NULL while all is well */
};

static void refuse(struct xml *xml, const char *why)
{
	xml->refused = why;
	XML_StopParser(xml->parser, XML_FALSE);
}

static void refuse_doctype(void *context, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal)
{
	(void)name, (void)system, (void)public, (void)internal;
	refuse(context, "a document type declaration");
}

static void open_element(void *context, const XML_Char *name, const XML_Char **attributes)
{
	struct xml *xml = context;

	(void)attributes;
	if (xml->refused) /* a parser that was stopped still finishes what it is at */
		return;
	buf_clear(&xml->text);
	if (xml->path.length + strlen(name) >= PATH_MOST) {
		refuse(xml, "elements nested too deeply");
		return;
	}
	buf_puts(&xml->path, xml->path.length ? "/" : "");
	buf_puts(&xml->path, name);
}

static void add_text(void *context, const XML_Char *text, int length)
{
	struct xml *xml = context;

	if (xml->refused)
		return;
	if (xml->text.length + (size_t)length > TEXT_MOST)
		refuse(xml, "an element with too much text");
	else
		buf_add(&xml->text, text, (size_t)length);
}

static void close_element(void *context, const XML_Char *name)
{
	struct xml *xml = context;

	if (xml->refused)
		return;
	size_t parent = xml->path.length - strlen(name);
	xml->visit(xml->context, buf_text(&xml->path), buf_text(&xml->text));
	xml->path.length = parent ? parent - 1 : 0;
	xml->path.data[xml->path.length] = '\0';
	buf_clear(&xml->text);
}

static void prepare(struct xml *xml)
{
	XML_SetUserData(xml->parser, xml);
	XML_SetElementHandler(xml->parser, open_element, close_element);
	XML_SetCharacterDataHandler(xml->parser, add_text);
	XML_SetStartDoctypeDeclHandler(xml->parser, refuse_doctype);
}

struct xml *xml_open(void (*visit)(void *context, const char *path, const char *text), void *context)
{
	struct xml *xml = xcalloc(1, sizeof *xml);

	*xml = (struct xml){.parser = xrequire(XML_ParserCreate(NULL)), .visit = visit, .context = context};
	prepare(xml);
	return xml;
}

void xml_close(struct xml *xml)
{
	if (!xml)
		return;
	XML_ParserFree(xml->parser);
	buf_free(&xml->path);
	buf_free(&xml->text);
	free(xml);
}

void xml_restart(struct xml *xml)
{
	XML_ParserReset(xml->parser, NULL);
	prepare(xml);
	buf_clear(&xml->path);
	buf_clear(&xml->text);
	xml->refused = NULL;
}

static int parse(struct xml *xml, const void *bytes, size_t length, bool last, struct error *error)
{
	if (XML_Parse(xml->parser, bytes, (int)length, last) == XML_STATUS_OK)
		return 0;
	if (xml->refused)
		return error_set(error, ERROR_REGISTRY, "XML with %s", xml->refused);
	return error_set(error, ERROR_REGISTRY, "no XML: %s in line %lu", XML_ErrorString(XML_GetErrorCode(xml->parser)),
			 (unsigned long)XML_GetCurrentLineNumber(xml->parser));
}

int xml_add(struct xml *xml, const void *bytes, size_t length, struct error *error)
{
	for (const char *piece = bytes; length;) {
		size_t size = length < PIECE_MOST ? length : PIECE_MOST; /* expat counts in int */
		if (parse(xml, piece, size, false, error))
			return -1;
		piece += size;
		length -= size;
	}
	return 0;
}

int xml_end(struct xml *xml, struct error *error)
{
	return parse(xml, "", 0, true, error);
}

static void add_member(void *object, const char *path, const char *text)
{
	const char *slash = strrchr(path, '/');

	if (cJSON_GetArraySize(object) < MEMBERS_MOST)
		json_set_string(object, slash ? slash + 1 : path, text);
}

cJSON *xml_members(const char *text, size_t length, struct error *error)
{
	AUTO_JSON cJSON *object = xrequire(cJSON_CreateObject());
	AUTO_XML struct xml *xml = xml_open(add_member, object);

	return xml_add(xml, text, length, error) || xml_end(xml, error) ? NULL : steal_pointer(&object);
}
