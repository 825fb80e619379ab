/* SPDX-License-Identifier: MIT */
/* URLs: SCHEME://AUTHORITY/PATH?NAME=VALUE&... (RFC 3986), percent-encoding undone. */
#ifndef DEWY_URL_H
#define DEWY_URL_H

#include "cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct error;

struct url {
	char *scheme;    /* lower case */
	char *authority; /* as given, "" when empty */
	char *path;      /* decoded, with its leading slash; "" when there is none */
	struct url_parameter {
		char *name, *value; /* decoded */
	} *parameters;
	size_t parameter_count;
	bool plain; /* SCHEME:PATH */
};

#define AUTO_URL AUTO(url_free)

/* Parses text. Returns 0, or -1 with ERROR_CONFIG; the caller gives url to url_free in both cases. */
int url_parse(struct url *url, const char *text, struct error *error);

/* As url_parse, for a URL without an authority, SCHEME:PATH?NAME=VALUE&..., such as mailto: (RFC 6068); whatever is between scheme
 * and query becomes the path. */
int url_parse_plain(struct url *url, const char *text, struct error *error);

void url_free(struct url *url);

/* Returns the value of the parameter, or NULL. It belongs to url. */
const char *url_parameter(const struct url *url, const char *name);

/* Returns 0 when every parameter is one of names (ended by NULL), else -1 with ERROR_CONFIG naming the one that is not. */
int url_check_parameters(const struct url *url, const char *const *names, struct error *error);

/* Returns 0 with true or false for a parameter that is true, false, 1, 0, yes or no (missing: false), else -1. */
int url_boolean(const struct url *url, const char *name, bool *ret_value, struct error *error);

/* Appends text with everything but letters, digits and "-._~" and those in keep percent-encoded. */
void url_add_encoded(struct buf *buf, const char *text, const char *keep);

/* Appends NAME=VALUE to a form, application/x-www-form-urlencoded, with an ampersand before all but the first. */
void url_add_field(struct buf *form, const char *name, const char *value);

/* Returns text with its percent-encoding undone; the caller frees it. NULL when an escape is damaged or stands for a zero byte. */
char *url_decode(const char *text);

/* Returns text with its percent-encoding undone and a space for each plus sign, as forms have it; the caller frees it. NULL when an
 * escape is damaged or stands for a zero byte. */
char *url_decode_form(const char *text);

/* Returns the host of a URL, and the port if it has one, without user and password: "" when there is none. The caller frees
 * it. */
char *url_host(const char *text);

/* Returns a copy of a URL without the parameters in names (ended by NULL), every other byte as it was. The caller frees it. */
char *url_without(const char *text, const char *const *names);

/* Returns a copy of a URL that may be shown to anybody: without user, password and query. The caller frees it. */
char *url_public(const char *text);

#endif
