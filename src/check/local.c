/* SPDX-License-Identifier: MIT */
#include "check/local.h"

#include "alloc.h"
#include "check/remote.h"
#include "cleanup.h"
#include "error.h"
#include "registry/registry.h"
#include "str.h"

#include <errno.h>
#include <string.h>

const struct registry_ops *const registry_schemes[] = {&file_registry, NULL};

/* True when the URL begins with one of the schemes above, as file:// is written. */
static bool is_local(const char *url)
{
	for (const struct registry_ops *const *ops = registry_schemes; *ops; ops++)
		if (str_starts(url, (*ops)->scheme) && url[strlen((*ops)->scheme)] == ':')
			return true;
	return false;
}

int local_hand_over(const struct options *options, struct error *error)
{
	const char *url = option_string(options, OPT_REGISTRY);

	if (!url || is_local(url))
		return 0;
	if (option_export(options, error))
		return -1;
	AUTO_FREE char *program = remote_program();
	execv(program, (char *const[]){program, NULL});
	error_set(error, ERROR_CONFIG, "cannot run %s, which asks registries over the network: %s", program, strerror(errno));
	return error_hint(error, "install it with the rest of dewy");
}
