/* SPDX-License-Identifier: MIT */
#include "registry/registry.h"

#include "alloc.h"
#include "buf.h"
#include "confine.h"
#include "error.h"
#include "landlock.h"
#include "log.h"
#include "options.h"
#include "path.h"
#include "root/root.h"
#include "str.h"

#include <string.h>

void release_free(struct release *release)
{
	free(release->version);
	free(release->id);
	*release = (struct release){0};
}

void artifact_list_free(struct artifact_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].name);
		free(list->items[i].url);
		free(list->items[i].revision);
	}
	free(list->items);
	*list = (struct artifact_list){0};
}

void artifact_list_add(struct artifact_list *list, const struct artifact *artifact)
{
	list->items = xreallocarray(list->items, list->count + 1, sizeof *list->items);
	struct artifact *copy = &list->items[list->count++];
	*copy = *artifact;
	copy->name = xstrdup(artifact->name);
	copy->url = xstrdup(artifact->url);
	copy->revision = xstrdup(artifact->revision);
}

static int find_scheme(struct registry *registry, struct error *error)
{
	AUTO_BUF struct buf known = {0};

	for (const struct registry_ops *const *ops = registry_schemes; *ops; ops++) {
		if (str_equal((*ops)->scheme, registry->url.scheme)) {
			registry->ops = *ops;
			return 0;
		}
		buf_printf(&known, "%s%s://", known.length ? ", " : "", (*ops)->scheme);
	}
	error_set(error, ERROR_CONFIG, "unknown scheme %s://: expected %s", registry->url.scheme, buf_text(&known));
	return error_hint(error, "correct the URL; dewy-registry(7) has the form of each scheme");
}

/* Returns the parameters that every scheme takes and those of this one, ended by NULL; the caller frees the array. */
static const char **known_parameters(const struct registry_ops *ops)
{
	size_t count = 0;

	while (ops->parameters[count])
		count++;
	const char **names = xcalloc(count + 3, sizeof *names);
	names[0] = "pre-release";
	names[1] = "artifact";
	memcpy(names + 2, ops->parameters, count * sizeof *names);
	return names;
}

/* The URL travels in the document. */
static int refuse_secrets(const struct url *url, struct error *error)
{
	bool secret = strchr(url->authority, '@') != NULL;

	for (size_t i = 0; i < url->parameter_count && !secret; i++) {
		const char *authority = strstr(url->parameters[i].value, "://");
		secret = authority && strchr(authority, '@');
	}
	if (!secret)
		return 0;
	error_set(error, ERROR_CONFIG, "it holds a user or a password");
	return error_hint(error, "take the part before the @ out; credentials come from the environment, see dewy-registry(7)");
}

static int check_parameters(struct registry *registry, struct error *error)
{
	AUTO_FREE const char **names = known_parameters(registry->ops);

	if (url_check_parameters(&registry->url, names, error) ||
	    url_boolean(&registry->url, "pre-release", &registry->prerelease, error))
		return -1;
	registry->artifact = url_parameter(&registry->url, "artifact");
	if (registry->artifact && !str_is_file_name(registry->artifact))
		return error_set(error, ERROR_CONFIG, "artifact=%s: expected the name of one file", registry->artifact);
	return 0;
}

static void strip_slashes(char *path)
{
	for (size_t length = strlen(path); length && path[length - 1] == '/'; length--)
		path[length - 1] = '\0';
}

static int open_url(struct registry *registry, const char *url, struct error *error)
{
	if (url_parse(&registry->url, url, error)) {
		error_hint(error, "write a URL such as file:///srv/releases; dewy-registry(7) lists the schemes");
		return -1;
	}
	strip_slashes(registry->url.path);
	if (find_scheme(registry, error) || refuse_secrets(&registry->url, error))
		return -1;
	if (check_parameters(registry, error))
		return error_hint(error, "correct the URL; dewy-registry(7) describes its parameters");
	return registry->ops->check(registry, error);
}

static struct session session_of(const struct options *options, const struct root *root)
{
	return (struct session){
		.settings =
			{
				.authorities = option_string(options, OPT_CACERT),
				.stall_ms = option_number(options, OPT_STALL_TIMEOUT),
				.retries = (int)option_number(options, OPT_RETRIES),
			},
		.root = root,
		.timeout_ms = option_number(options, OPT_REGISTRY_TIMEOUT),
		.download_ms = option_number(options, OPT_DOWNLOAD_TIMEOUT),
	};
}

int registry_open(struct registry *registry, const char *url, const struct options *options, const struct root *root,
		  struct error *error)
{
	*registry = (struct registry){0};
	registry->session = session_of(options, root);
	if (open_url(registry, url, error) == 0)
		return 0;
	AUTO_FREE char *public = url_public(url);
	return error_in(error, "registry %s", public);
}

void registry_close(struct registry *registry)
{
	if (registry->ops && registry->ops->close)
		registry->ops->close(registry);
	cJSON_Delete(registry->validators);
	url_free(&registry->url);
	*registry = (struct registry){0};
}

int registry_confine(struct registry *registry, int cache, struct error *error)
{
	int state = registry->session.root->state;
	const struct landlock_rules rules = {
		.below = {{state, state < 0 ? 0 : LANDLOCK_MAY_REPLACE}, {cache, cache < 0 ? 0 : LANDLOCK_MAY_REPLACE}},
		.reads = true,
		.connects = registry->ops != &file_registry,
	};

	if (!registry->ops->runs_commands || !registry->ops->runs_commands(registry))
		return confine_self(&rules, error);
	log_debug("Not confined", "reason", "credentials come from a command");
	return 0;
}

int registry_owns(const struct registry *registry, const struct url *url, struct error *error)
{
	size_t length = strlen(registry->url.path);

	if (str_equal(url->scheme, registry->url.scheme) && str_equal(url->authority, registry->url.authority) &&
	    str_starts(url->path, registry->url.path) && url->path[length] == '/' && !path_is_crooked(url->path + length + 1))
		return 0;
	return error_set(error, ERROR_DOCUMENT, "the artifact's URL does not lie in the registry %s://%s%s", registry->url.scheme,
			 registry->url.authority, registry->url.path);
}

bool registry_is_signature(const char *name, const char *subject)
{
	static const char suffix[] = ".minisig";
	size_t length = strlen(name), begin = strlen(subject);

	if (!str_starts(name, subject) || !str_ends(name, suffix) || length < begin + sizeof suffix - 1)
		return false;
	const char *word = name + begin;
	size_t letters = length - begin - (sizeof suffix - 1);
	return letters == 0 || (letters > 1 && word[0] == '.' && !memchr(word + 1, '.', letters - 1));
}
