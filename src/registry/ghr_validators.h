/* SPDX-License-Identifier: MIT */
/* How a list of releases is found unchanged at the cost of one request, which GitHub does not count
 * (https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api). The validators of a registry are
 *     {"identity": TEXT, "pages": [{"url": TEXT, "etag": TEXT}, ...], "tail_at": SECONDS}
 * with the credential that they are good for, what each page was when all were read, and when the others than the first were last
 * asked for. */
#ifndef DEWY_GHR_VALIDATORS_H
#define DEWY_GHR_VALIDATORS_H

#include "registry/ghr_api.h"
#include "registry/registry.h"

/* Returns the ETag of the first page, whose URL it has to be, for the credential of the API; NULL when none is known. It belongs to
 * the validators. */
const char *ghr_validators_etag(const struct registry *registry, const char *url);

/* Finds out whether the pages after the first, which has not changed, have changed. Returns 1 when none has, or they were asked for
 * a short time ago; 0 when one has; or -1. */
int ghr_validators_hold(struct registry *registry, const struct ghr_query *query, struct error *error);

/* Replaces the validators; takes pages over, NULL for a list that cannot be found unchanged. */
void ghr_validators_keep(struct registry *registry, cJSON *pages);

#endif
