/* SPDX-License-Identifier: MIT */
#include "url.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "str.h"

#include <ctype.h>
#include <string.h>

static int hex_digit(char letter)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = letter ? strchr(digits, tolower((unsigned char)letter)) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* Returns the decoded text, or NULL when an escape is not two hexadecimal digits or stands for a zero byte. */
static char *decode(const char *text, size_t length)
{
	AUTO_FREE char *decoded = xcalloc(1, length + 1);
	size_t count = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '%') {
			int high = length - i > 2 ? hex_digit(text[i + 1]) : -1;
			int low = length - i > 2 ? hex_digit(text[i + 2]) : -1;
			if (high < 0 || low < 0 || high + low == 0)
				return NULL;
			decoded[count++] = (char)(high * 16 + low);
			i += 2;
		} else {
			decoded[count++] = text[i];
		}
	}
	return steal_pointer(&decoded);
}

static int parse_parameters(struct url *url, const char *query)
{
	while (*query) {
		size_t length = strcspn(query, "&"), name_length = strcspn(query, "=&");
		const char *value = query + name_length + (name_length < length);
		if (length) {
			struct url_parameter *parameter;
			url->parameters = xreallocarray(url->parameters, url->parameter_count + 1, sizeof *url->parameters);
			parameter = &url->parameters[url->parameter_count++];
			*parameter = (struct url_parameter){
				.name = decode(query, name_length),
				.value = decode(value, (size_t)(query + length - value)),
			};
			if (!parameter->name || !parameter->value)
				return -1;
		}
		query += length + (query[length] == '&');
	}
	return 0;
}

static size_t scheme_length(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
}

static void set_scheme(struct url *url, const char *text, size_t length)
{
	url->scheme = xstrndup(text, length);
	for (char *letter = url->scheme; *letter; letter++)
		*letter = (char)tolower((unsigned char)*letter);
}

/* Parses what follows the authority. */
static int parse_rest(struct url *url, const char *path, struct error *error)
{
	size_t path_length = strcspn(path, "?#");
	const char *query = path + path_length;

	url->path = decode(path, path_length);
	if (!url->path)
		return error_set(error, ERROR_CONFIG, "a %% in its path is not followed by two hexadecimal digits");
	if (strchr(query, '#'))
		return error_set(error, ERROR_CONFIG, "a # must be written %%23");
	if (*query && parse_parameters(url, query + 1))
		return error_set(error, ERROR_CONFIG, "a %% in its query is not followed by two hexadecimal digits");
	return 0;
}

int url_parse(struct url *url, const char *text, struct error *error)
{
	size_t length = scheme_length(text);
	const char *authority = text + length + 3;

	*url = (struct url){0};
	if (length == 0 || strncmp(text + length, "://", 3) != 0)
		return error_set(error, ERROR_CONFIG, "not a URL: expected SCHEME://...");
	size_t authority_length = strcspn(authority, "/?#");
	set_scheme(url, text, length);
	url->authority = xstrndup(authority, authority_length);
	return parse_rest(url, authority + authority_length, error);
}

int url_parse_plain(struct url *url, const char *text, struct error *error)
{
	size_t length = scheme_length(text);

	*url = (struct url){.plain = true};
	if (length == 0 || text[length] != ':')
		return error_set(error, ERROR_CONFIG, "not a URL: expected SCHEME:...");
	set_scheme(url, text, length);
	url->authority = xstrdup("");
	return parse_rest(url, text + length + 1, error);
}

void url_free(struct url *url)
{
	free(url->scheme);
	free(url->authority);
	free(url->path);
	for (size_t i = 0; i < url->parameter_count; i++) {
		free(url->parameters[i].name);
		free(url->parameters[i].value);
	}
	free(url->parameters);
	*url = (struct url){0};
}

const char *url_parameter(const struct url *url, const char *name)
{
	for (size_t i = 0; i < url->parameter_count; i++)
		if (str_equal(url->parameters[i].name, name))
			return url->parameters[i].value;
	return NULL;
}

int url_check_parameters(const struct url *url, const char *const *names, struct error *error)
{
	for (size_t i = 0; i < url->parameter_count; i++) {
		const char *const *name = names;
		AUTO_BUF struct buf accepted = {0};
		while (*name && !str_equal(*name, url->parameters[i].name))
			name++;
		if (*name)
			continue;
		for (name = names; *name; name++)
			buf_printf(&accepted, "%s%s", name == names ? "" : ", ", *name);
		return error_set(error, ERROR_CONFIG, "unknown parameter %s: %s:%s takes %s", url->parameters[i].name, url->scheme,
				 url->plain ? "" : "//", *names ? buf_text(&accepted) : "none");
	}
	return 0;
}

int url_boolean(const struct url *url, const char *name, bool *ret_value, struct error *error)
{
	const char *value = url_parameter(url, name);

	*ret_value = value && (str_equal(value, "true") || str_equal(value, "1") || str_equal(value, "yes"));
	if (!value || *ret_value || str_equal(value, "false") || str_equal(value, "0") || str_equal(value, "no"))
		return 0;
	return error_set(error, ERROR_CONFIG, "%s=%s: expected true or false", name, value);
}

void url_add_encoded(struct buf *buf, const char *text, const char *keep)
{
	while (*text) {
		const char *start = text;
		while (isalnum((unsigned char)*text) || (*text && (strchr("-._~", *text) || strchr(keep, *text))))
			text++;
		buf_add(buf, start, (size_t)(text - start));
		if (*text)
			buf_printf(buf, "%%%02X", (unsigned)(unsigned char)*text++);
	}
}

void url_add_field(struct buf *form, const char *name, const char *value)
{
	buf_printf(form, "%s%s=", form->length ? "&" : "", name);
	url_add_encoded(form, value, "");
}

char *url_decode(const char *text)
{
	return decode(text, strlen(text));
}

char *url_decode_form(const char *text)
{
	AUTO_FREE char *spaced = xstrdup(text);

	for (char *plus = spaced; (plus = strchr(plus, '+'));)
		*plus = ' ';
	return url_decode(spaced);
}

/* Returns the part of a URL behind user and password, "" when there is no authority. */
static const char *find_host(const char *text)
{
	const char *authority = strstr(text, "://");

	if (!authority || (size_t)(authority - text) > strcspn(text, "/?#"))
		return "";
	authority += 3;
	size_t length = strcspn(authority, "/?#"), port = strcspn(authority, ":") + 1;
	const char *at = memrchr(authority, '@', length);
	if (!at && *authority != '[' && port < length && port + strspn(authority + port, "0123456789") < length)
		at = strrchr(authority, '@'); /* no port, but a password with a / in it, which should have been encoded */
	return at ? at + 1 : authority;
}

char *url_host(const char *text)
{
	const char *host = find_host(text);

	return xstrndup(host, strcspn(host, "/?#"));
}

char *url_public(const char *text)
{
	const char *host = find_host(text), *authority = strstr(text, "://");

	if (!*host) {
		const char *at = strrchr(text, '@'); /* no URL, but whoever forgot the scheme may have given a password */
		return xstrndup(at ? at + 1 : text, strcspn(at ? at + 1 : text, "?#"));
	}
	return xasprintf("%.*s%.*s", (int)(authority + 3 - text), text, (int)strcspn(host, "?#"), host);
}

static bool is_named(const char *parameter, size_t length, const char *const *names)
{
	while (*names && !(strlen(*names) == length && strncmp(*names, parameter, length) == 0))
		names++;
	return *names;
}

char *url_without(const char *text, const char *const *names)
{
	size_t end = strcspn(text, "?");
	AUTO_BUF struct buf kept = {0};
	char separator = '?';

	buf_add(&kept, text, end);
	for (const char *parameter = text + end; *parameter;) {
		size_t length = strcspn(++parameter, "&");
		if (!is_named(parameter, strcspn(parameter, "=&"), names)) {
			buf_printf(&kept, "%c%.*s", separator, (int)length, parameter);
			separator = '&';
		}
		parameter += length;
	}
	return buf_steal(&kept);
}
