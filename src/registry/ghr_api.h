/* SPDX-License-Identifier: MIT */
/* GitHub's REST API (https://docs.github.com/rest/releases), of github.com and of GitHub Enterprise Server: who is asked as whom,
 * lists page by page, and refusals as sentences. */
#ifndef DEWY_GHR_API_H
#define DEWY_GHR_API_H

#include "credentials/github.h"
#include "json.h"
#include "registry/session.h"

#include <stdbool.h>

struct ghr_api {
	struct session *session;
	char *base; /* GITHUB_API_URL, GITHUB_ENDPOINT or https://api.github.com, without a slash at its end */
	char *host; /* of base */
	struct github_credential credential;
};

/* Returns the base URL of the API, which the caller frees, or NULL with ERROR_CONFIG when the one in the environment is none. */
char *ghr_api_base(struct error *error);

/* Finds the base and the credential. Returns the API, which the caller gives to ghr_api_close, or NULL. */
struct ghr_api *ghr_api_open(struct session *session, struct error *error);

void ghr_api_close(struct ghr_api *api);

/* Makes the request, with the credential added to its headers: only to the scheme, host and port of the base, and to the host
 * uploads.X when that of the base is api.X. A kept token that was revoked is replaced once. Returns 0 with any status; or -1 with
 * the error of session_ask. The caller gives ret to http_response_free in both cases. */
int ghr_api_ask(struct ghr_api *api, const struct http_request *request, struct http_response *ret, struct error *error);

/* A page of a list. */
struct ghr_page {
	cJSON *items; /* array of objects with the wanted members alone */
	char *url;
	char *etag;   /* NULL for none */
	char *next;   /* URL of the page that follows, NULL for none */
};

#define AUTO_GHR_PAGE AUTO(ghr_page_free)

void ghr_page_free(struct ghr_page *page);

/* What is read, page by page or once. */
struct ghr_query {
	const char *url;            /* of the first page */
	const char *etag;           /* the first page is wanted only when it has another one; NULL: always */
	const char *const *members; /* which ones of each object, none of them an object or array; ended by NULL */
	const char *what;           /* for messages: "the releases of acme/app" */
};

/* Reads one page, or one object as a page of one item. Returns 0; 1 when it still has query's etag; or -1, with ERROR_NOT_FOUND for
 * 404. The caller gives ret to ghr_page_free in all cases. Memory does not grow with what the objects hold besides the members. */
int ghr_api_read(struct ghr_api *api, const struct ghr_query *query, struct ghr_page *ret, struct error *error);

/* Reads page after page and gives each to visit, which returns 0 to go on, 1 to end, or -1. Returns 0; 1 when the first page still
 * has query's etag, and none was visited; or -1. */
int ghr_api_walk(struct ghr_api *api, const struct ghr_query *query,
		 int (*visit)(const struct ghr_page *page, void *context, struct error *error), void *context, struct error *error);

/* Fills in the error for an answer that is no success: what was asked for, what GitHub says, and what to do. Returns -1. */
int ghr_api_refuse(const struct ghr_api *api, const char *what, const struct http_response *response, struct error *error);

#endif
