/* SPDX-License-Identifier: MIT */
#include "secrets.h"

#include "alloc.h"
#include "cleanup.h"
#include "error.h"
#include "fs.h"
#include "proc.h"
#include "redact.h"
#include "secret.h"
#include "str.h"
#include "url.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { PATH_LEAST = 16, WORD_LEAST = 20 }; /* bytes: what is shorter is a name more likely than a secret */

extern char **environ;

const char *const secret_variables[] = {
	"DEWY_*",
	"GH_TOKEN*",
	"GITHUB_TOKEN*",
	"GITHUB_APP_*",
	"SLACK_TOKEN*",
	"MAIL_USERNAME*",
	"MAIL_PASSWORD*",
	"WEBHOOK_SECRET*",
	"OTEL_EXPORTER_OTLP_HEADERS*",
	"OTEL_EXPORTER_OTLP_TRACES_HEADERS*",
	"OTEL_EXPORTER_OTLP_METRICS_HEADERS*",
	"AWS_ACCESS_KEY_ID*",
	"AWS_SECRET_ACCESS_KEY*",
	"AWS_SESSION_TOKEN*",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN",
	"GOOGLE_APPLICATION_CREDENTIALS",
	"CREDENTIALS_DIRECTORY",
	NULL,
};

/* A secret may be percent-encoded where it is configured. */
static void learn(const char *text, size_t length)
{
	AUTO_FREE char *value = xstrndup(text, length), *decoded = url_decode_form(value);

	redact_learn(value);
	redact_learn(decoded);
}

/* Learns the password of an authority, USER:PASSWORD@HOST, or a user that is long enough to be one. Returns what follows it. */
static const char *learn_user(const char *authority)
{
	size_t length = strcspn(authority, "/?# \t\r\n"), name = strcspn(authority, ":@");
	const char *at = memrchr(authority, '@', length);

	if (at && authority + name < at)
		learn(authority + name + 1, (size_t)(at - authority) - name - 1);
	else if (at && name >= WORD_LEAST)
		learn(authority, name);
	return authority + length;
}

/* Learns what is long enough to be a secret between the slashes and other signs of the path and query of a URL. */
static void learn_words(const char *rest, size_t length)
{
	for (const char *word = rest, *end = rest + length; word < end; word++) {
		size_t letters = strcspn(word, "/?#&= \t\r\n");
		if (letters >= WORD_LEAST)
			learn(word, letters);
		word += letters;
	}
}

/* Learns what may be a secret of the path and query of a webhook. */
static void learn_hook(const char *rest, size_t length)
{
	size_t path = strcspn(rest, "?# \t\r\n");

	if (length >= PATH_LEAST)
		learn(rest, length);
	if (path >= PATH_LEAST)
		learn(rest, path);
	learn_words(rest, length);
}

/* Learns what may be a secret of the endpoint of a receiver: with some, the path has the token. */
static void learn_endpoint(const char *url)
{
	const char *authority = strstr(url, "://");
	const char *rest = authority ? learn_user(authority + strlen("://")) : "";

	learn_words(rest, strlen(rest));
}

/* Learns the passwords of the URLs in a text. */
static void learn_urls(const char *text)
{
	for (const char *at = text; (at = strstr(at, "://"));)
		learn_user(at += strlen("://"));
}

/* Learns what is secret of webhooks among notifiers. Those of other schemes name rooms and people. */
static void learn_notifiers(const char *list)
{
	static const char space[] = " \t\r\n";

	for (const char *url = list + strspn(list, space); *url; url += strspn(url, space)) {
		size_t length = strcspn(url, space);
		if (strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0) {
			const char *rest = learn_user(strstr(url, "://") + strlen("://"));
			learn_hook(rest, length - (size_t)(rest - url));
		}
		url += length;
	}
}

/* Learns the value of a header, such as "Basic SECRET", which may have white space around it. */
static void learn_value(const char *value, size_t length)
{
	size_t start = strspn(value, " \t");

	while (length > start && strchr(" \t\r\n", value[length - 1]))
		length--;
	if (start >= length)
		return;
	AUTO_FREE char *trimmed = xstrndup(value + start, length - start), *decoded = url_decode_form(trimmed);
	const char *space = decoded ? strrchr(decoded, ' ') : NULL;
	redact_learn(trimmed);
	redact_learn(space ? space + 1 : decoded);
}

void secrets_learn_headers(const char *list)
{
	while (list && *list) {
		size_t length = strcspn(list, ","), name = strcspn(list, "=,");
		if (name < length)
			learn_value(list + name + 1, length - name - 1);
		list += length + (list[length] == ',');
	}
}

void secrets_learn(void)
{
	for (char **variable = environ; *variable; variable++) {
		size_t length = strcspn(*variable, "=");
		const char *value = *variable + length + ((*variable)[length] == '=');
		AUTO_FREE char *name = xstrndup(*variable, length);
		if (redact_is_secret_name(name))
			redact_learn(value);
		if (str_starts(name, "OTEL_") && str_ends(name, "_HEADERS"))
			secrets_learn_headers(value);
		if (str_starts(name, "OTEL_") && str_ends(name, "_ENDPOINT"))
			learn_endpoint(value);
		if (length >= 6 && strcasecmp(name + length - 6, "_proxy") == 0 && !strstr(value, "://"))
			learn_user(value);
		if (str_equal(name, "DEWY_NOTIFIER"))
			learn_notifiers(value);
		learn_urls(value);
	}
}

static int learn_credential(const char *name, void *context)
{
	AUTO_FREE char *secret = NULL;
	struct error unread;

	(void)context;
	(void)secret_read_text(name, &secret, &unread); /* that learns it */
	if (str_ends(name, "_HEADERS"))
		secrets_learn_headers(secret);
	return 0;
}

void secrets_learn_files(void)
{
	const char *credentials = proc_variable("CREDENTIALS_DIRECTORY");
	AUTO_CLOSE int directory = credentials ? open(credentials, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	struct error unread;

	for (char **variable = environ; *variable; variable++) {
		AUTO_FREE char *name = xstrndup(*variable, strcspn(*variable, "=")), *secret = NULL;
		if (str_ends(name, "_FILE") || str_ends(name, "_PATH"))
			(void)secret_read_file(name, &secret, &unread);
		if (str_ends(name, "_HEADERS_FILE"))
			secrets_learn_headers(secret);
	}
	if (directory >= 0)
		(void)fs_each(directory, learn_credential, NULL, &unread);
}
