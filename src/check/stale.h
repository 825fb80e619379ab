/* SPDX-License-Identifier: MIT */
/* Registries that show nothing new for longer than --stale-after: either nothing is published, or something keeps it away. */
#ifndef DEWY_CHECK_STALE_H
#define DEWY_CHECK_STALE_H

#include "json.h"
#include "registry/registry.h"
#include "root/root.h"

/* Puts "check.stale" into the document when the release, the newest one that may be deployed, appeared longer ago than after_ms:
 * when the registry says it was published, or, unless is_news, when what is deployed was deployed here if that is earlier: is_news
 * tells that the release is newer than that. People are told once for each release, in a notice and at WARN; ROOT/.dewy/stale.json
 * remembers that. */
void stale_look(const struct root *root, long long after_ms, const struct release *release, bool is_news, cJSON *document);

#endif
