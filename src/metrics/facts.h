/* SPDX-License-Identifier: MIT */
/* What the metrics tell of the present: what is deployed, what serves it, what the registry has and grants. */
#ifndef DEWY_METRICS_FACTS_H
#define DEWY_METRICS_FACTS_H

#include "json.h"
#include "options.h"
#include "root/root.h"

/* Puts what ROOT and the document tell into the state, in place of what it has of that. What only the options of some tools tell,
 * such as where the pid file is, is taken from those that there are. */
void facts_add(cJSON *state, const struct root *root, const struct options *options, const cJSON *document);

#endif
