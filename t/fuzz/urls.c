/* SPDX-License-Identifier: MIT */
/* URLs, and what registries and notifiers take of them. */
#include "fuzz.h"

#include "buf.h"
#include "error.h"
#include "options.h"
#include "registry/registry.h"
#include "str.h"
#include "url.h"

#include <string.h>

static void decode(const char *text)
{
	AUTO_BUF struct buf encoded = {0}, form = {0};
	AUTO_FREE char *loose = url_decode_form(text), *strict = url_decode(text);

	FUZZ_HOLDS(!strict == !loose);
	url_add_encoded(&encoded, text, "/");
	AUTO_FREE char *back = url_decode(buf_text(&encoded));
	FUZZ_HOLDS(str_equal(back, text));
	url_add_field(&form, "name", text);
	AUTO_FREE char *value = url_decode_form(buf_text(&form) + strlen("name="));
	FUZZ_HOLDS(str_equal(value, text));
}

/* What may be shown to anybody has neither user nor query. */
static void show(const char *text)
{
	static const char *const names[] = {"quiet", "title", NULL};
	AUTO_FREE char *public = url_public(text), *host = url_host(text), *without = url_without(text, names);
	const char *authority = strstr(public, "://");

	FUZZ_HOLDS(!strchr(public, '?') && strlen(without) <= strlen(text));
	FUZZ_HOLDS(!authority || !memchr(authority + 3, '@', strcspn(authority + 3, "/")));
	FUZZ_HOLDS(!strchr(host, '@') && !strchr(host, '/'));
}

/* True when the registry takes it. */
static bool open_registry(const char *text)
{
	char *argv[] = {(char *)"check", NULL};
	struct options options;
	struct error error;

	FUZZ_HOLDS(option_parse(&options, option_specs, OPTION_COUNT, CHECK, 1, argv, &error) == 0);
	AUTO_REGISTRY struct registry registry;
	bool taken = registry_open(&registry, text, &options, fuzz_root(), &error) == 0;
	FUZZ_HOLDS(!taken || !strchr(registry.url.authority, '@'));
	FUZZ_HOLDS(taken || error.code == ERROR_CONFIG);
	option_free(&options);
	return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	AUTO_FREE char *text = fuzz_text(bytes, length);
	AUTO_URL struct url url = {0}, plain = {0};
	struct error error;

	decode(text);
	show(text);
	bool parsed = url_parse(&url, text, &error) == 0;
	FUZZ_HOLDS(parsed || error.code == ERROR_CONFIG);
	FUZZ_HOLDS(!parsed || !*url.path || *url.path == '/');
	url_parse_plain(&plain, text, &error);
	FUZZ_HOLDS(!open_registry(text) || parsed);
	return 0;
}
