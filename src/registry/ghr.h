/* SPDX-License-Identifier: MIT */
/* What the parts of ghr:// share: ghr.c lists, ghr_fetch.c downloads, ghr_report.c leaves audit records. */
#ifndef DEWY_GHR_H
#define DEWY_GHR_H

#include "registry/ghr_api.h"
#include "registry/registry.h"

/* Stands between the repository and the version in an artifact's URL. */
#define GHR_TAG "/tag/"

/* Returns the API, which belongs to the registry, or NULL. */
struct ghr_api *ghr_open(struct registry *registry, struct error *error);

/* Returns the URL of what is below the releases of the repository of an open registry; the caller frees it. */
char *ghr_url(const struct registry *registry, const char *below);

/* Returns how messages call the releases, or with a version its release; the caller frees it. */
char *ghr_name(const struct registry *registry, const char *version);

/* Returns the number that GitHub calls something by, as text, NULL when it is missing; the caller frees it. */
char *ghr_id(const cJSON *item);

/* Returns when a release was published, 0 for a draft. */
time_t ghr_published_at(const cJSON *item);

/* Finds the release of a version: its members id, published_at and upload_url. Returns 0, or -1, with ERROR_NOT_FOUND when there is
 * none. The caller gives ret to ghr_page_free in both cases. */
int ghr_find_release(struct registry *registry, const char *version, struct ghr_page *ret, struct error *error);

/* Sets id, and published_at with it, where they are not known. Returns 0 or -1. */
int ghr_complete_release(struct registry *registry, struct release *release, struct error *error);

/* Gives the assets of a release, whose id is known, to visit: the members id, name, state, size and digest. Returns 0 or -1. */
int ghr_walk_assets(struct registry *registry, const struct release *release,
		    int (*visit)(const struct ghr_page *page, void *context, struct error *error), void *context,
		    struct error *error);

/* False for an asset that is still being uploaded, or whose upload broke off. */
bool ghr_is_uploaded(const cJSON *asset);

/* Returns the digest of an asset, "sha256:HEX", which belongs to it; NULL for none: it was uploaded before GitHub made them. */
const char *ghr_digest(const cJSON *asset);

/* See struct registry_ops. */
int ghr_fetch(struct registry *registry, const struct url *url, const struct registry_resume *resume,
	      const struct registry_sink *sink, struct error *error);
int ghr_report(struct registry *registry, const char *version, const char *name, const char *text, struct error *error);

#endif
