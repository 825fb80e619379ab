/* SPDX-License-Identifier: MIT */
/* What the options say of the registry and of the artifact that is looked for in it. */
#ifndef DEWY_CHECK_ORIGIN_H
#define DEWY_CHECK_ORIGIN_H

#include "check/artifact.h"
#include "options.h"

/* Checks --calver and --slot, and opens the registry of --registry, as registry_open does. Returns 0, or -1 with ERROR_CONFIG; the
 * caller gives ret to registry_close in both cases. */
int origin_open(const struct options *options, const struct root *root, struct registry *ret, struct error *error);

/* Returns the rules for the artifacts of a version in an open registry. What is in them belongs to the arguments. */
struct artifact_rules origin_rules(const struct registry *registry, const char *version, const char *app);

#endif
