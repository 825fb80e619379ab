/* SPDX-License-Identifier: MIT */
/* Which files of a release hold the checksum of an artifact, and which are signatures, by their names. */
#ifndef DEWY_CHECK_CHECKSUMS_H
#define DEWY_CHECK_CHECKSUMS_H

#include "json.h"
#include "registry/registry.h"

/* Returns an array of the URLs of the checksum files that may name the artifact, one of the list, the likeliest first; NULL when
 * the release has none. The caller deletes it. */
cJSON *checksums_choose(const struct artifact_list *list, const struct artifact *artifact);

/* Returns an array of the URLs of the signatures of the artifact, and of the checksum files at checksum_urls, which may be NULL;
 * NULL when the release has none. The caller deletes it. */
cJSON *signatures_choose(const struct artifact_list *list, const struct artifact *artifact, const cJSON *checksum_urls);

#endif
