/* SPDX-License-Identifier: MIT */
#include "http.h"
#include "str.h"

#include <ctype.h>

enum { LIMIT = 1024 }; /* bytes of what is sent back to tell whether a body is still the same */

/* Returns the value of a header that is remembered and sent back, NULL for one that no request could carry: it would make each
 * of them fail, also once whoever has sent it is gone. */
static const char *returnable(struct http *http, const char *name)
{
	const char *value = http_header(http, name, 0);

	for (const char *letter = value; letter && *letter; letter++)
		if (iscntrl((unsigned char)*letter) || letter - value >= LIMIT)
			return NULL;
	return value;
}

const char *http_etag(struct http *http)
{
	return returnable(http, "ETag");
}

const char *http_validator(struct http *http)
{
	const char *etag = http_etag(http);

	return etag && *etag && !str_starts(etag, "W/") ? etag : returnable(http, "Last-Modified");
}
