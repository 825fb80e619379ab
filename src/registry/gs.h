/* SPDX-License-Identifier: MIT */
/* What the files of gs:// share. */
#ifndef DEWY_GS_H
#define DEWY_GS_H

#include "credentials/google.h"
#include "registry/registry.h"

struct gs_permission {
	const char *name;
	const char *role; /* the least that has it */
};

/* The scopes of OAuth: the one that is enough for all but reports, and that of reports. */
extern const char gs_read_scope[], gs_write_scope[];

/* Begins a URL of the service. */
void gs_add_base(struct buf *url, const struct registry *registry);

/* Begins the URL of the objects of the bucket; path comes between the base and what is the same for all: "" or "/upload". */
void gs_add_objects(struct buf *url, const struct registry *registry, const char *path);

/* Appends what the names of all objects of the registry begin with, and of one version unless it is NULL. */
void gs_add_prefix(struct buf *prefix, const struct registry *registry, const char *version);

/* Returns the credential for that scope, found at the first call, empty for an anonymous registry; NULL with the error when there
 * is none. It belongs to the registry. */
const struct google_credential *gs_authorize(struct registry *registry, const char *scope, struct error *error);

/* Makes the request with the credential for that scope, and one more header unless it is NULL; and once more with a new token when
 * one that an earlier run kept is refused: it may have been revoked since. Returns 0, or -1 as google_credential_find and
 * session_ask do. The caller gives ret to http_response_free in all cases. */
int gs_ask(struct registry *registry, const char *scope, const struct http_request *request, const char *header,
	   struct http_response *ret, struct error *error);

/* Returns whose credential the last request had, NULL for nobody's. It belongs to the registry. */
const char *gs_account(const struct registry *registry);

/* Fills in the error for an answer that is no success, to a request that needs that permission. Returns -1. */
int gs_refuse(const struct registry *registry, const struct http_response *response, const struct gs_permission *permission,
	      struct error *error);

/* struct registry_ops: list, artifacts, close. */
int gs_list(struct registry *registry, int (*visit)(const struct release *release, void *context, struct error *error),
	    void *context, struct error *error);
int gs_artifacts(struct registry *registry, struct release *release, struct artifact_list *ret_list, struct error *error);
void gs_close(struct registry *registry);

#endif
