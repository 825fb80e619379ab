/* SPDX-License-Identifier: MIT */
/* XML that comes from outside, by expat, piece by piece: what an element holds is handed over when the element ends. A document
 * type declaration, and with it every entity of somebody's own, is refused, and so are elements that are nested or filled beyond
 * any use. */
#ifndef DEWY_XML_H
#define DEWY_XML_H

#include <cJSON.h>
#include <stddef.h>

struct error;
struct xml;

/* Returns a parser, which the caller gives to xml_close. For each element that ends it calls visit with its path, such as
 * "ListBucketResult/Contents/Key", and the text in it. */
struct xml *xml_open(void (*visit)(void *context, const char *path, const char *text), void *context);

void xml_close(struct xml *xml);

static inline void cleanup_xml(struct xml **xml)
{
	xml_close(*xml);
}

#define AUTO_XML AUTO(cleanup_xml)

/* Forgets what came, and begins anew. */
void xml_restart(struct xml *xml);

/* Parses the next piece. Returns 0, or -1 with ERROR_REGISTRY. */
int xml_add(struct xml *xml, const void *bytes, size_t length, struct error *error);

/* Says that all has come. Returns 0, or -1 with ERROR_REGISTRY when an element is not closed, or there was none. */
int xml_end(struct xml *xml, struct error *error);

/* Parses a whole document whose elements have different names. Returns an object with the text of each of the first 64 under its
 * name, which the caller deletes; or NULL with ERROR_REGISTRY. */
cJSON *xml_members(const char *text, size_t length, struct error *error);

#endif
