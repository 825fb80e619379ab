/* SPDX-License-Identifier: MIT */
#include "check/local.h"

#include "alloc.h"
#include "check/remote.h"
#include "cleanup.h"
#include "error.h"
#include "registry/registry.h"

#include <errno.h>
#include <string.h>

const struct registry_ops *const registry_schemes[] = {&file_registry, NULL};

int local_hand_over(const struct options *options, struct error *error)
{
	if (!remote_has(option_string(options, OPT_REGISTRY)))
		return 0;
	if (option_export(options, error))
		return -1;
	AUTO_FREE char *program = remote_program();
	execv(program, (char *const[]){program, NULL});
	error_set(error, ERROR_CONFIG, "cannot run %s, which asks registries over the network: %s", program, strerror(errno));
	return error_hint(error, "install it with the rest of dewy");
}
