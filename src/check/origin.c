/* SPDX-License-Identifier: MIT */
#include "check/origin.h"

#include "error.h"
#include "version.h"

#include <string.h>

int origin_open(const struct options *options, const struct root *root, struct registry *ret, struct error *error)
{
	const char *url = option_string(options, OPT_REGISTRY);

	*ret = (struct registry){0};
	if (!url) {
		error_set(error, ERROR_CONFIG, "no registry is given");
		return error_hint(error, "give --registry or DEWY_REGISTRY, for example file:///srv/releases");
	}
	if (version_check_format(option_string(options, OPT_CALVER), error) ||
	    version_check_slot(option_string(options, OPT_SLOT), error))
		return -1;
	return registry_open(ret, url, options, root, error);
}

struct artifact_rules origin_rules(const struct registry *registry, const char *version, const char *app)
{
	const char *directory = strrchr(registry->url.path, '/');

	return (struct artifact_rules){
		.wanted = registry->artifact,
		.version = version,
		.projects = {directory ? directory + 1 : NULL, app},
	};
}
