/* SPDX-License-Identifier: MIT */
/* Where Google's access tokens come from: the token endpoint of OAuth 2.0, for who has a credential file, and the metadata server,
 * for a machine that is Google's own. */
#ifndef DEWY_CREDENTIALS_GOOGLE_TOKEN_H
#define DEWY_CREDENTIALS_GOOGLE_TOKEN_H

#include "json.h"
#include "registry/session.h"

struct error;

struct google_token {
	char *text;
	long long lifetime; /* seconds from now on */
};

#define AUTO_GOOGLE_TOKEN AUTO(google_token_free)

void google_token_free(struct google_token *token);

/* What is in a credential file of one type (https://google.aip.dev/auth/4112 and 4113). */
struct google_file_type {
	const char *name;           /* the member type */
	const char *secret;         /* the member that authorizes */
	const char *const *members; /* those that must be texts, ended by NULL */
	bool scoped;                /* its tokens are for one scope; else for all that the user has consented to */

	/* Appends the form that asks for a token at uri. Returns 0, or -1 with ERROR_CONFIG. */
	int (*add_form)(struct buf *form, const cJSON *json, const char *uri, const char *scope, struct error *error);
};

/* A credential file. */
struct google_file {
	char *path;
	cJSON *json;
	const struct google_file_type *type; /* NULL before google_file_check */
};

/* Finds the type of the file, and sees that all is in it. Returns 0, or -1 with ERROR_CONFIG. */
int google_file_check(struct google_file *file, struct error *error);

/* Asks the token endpoint that the file names for a token with that OAuth scope. account is whose it is, for messages. Returns 0,
 * or -1 with ERROR_CONFIG, with ERROR_REGISTRY when the endpoint refuses, or with the error of the exchange. The caller gives ret
 * to google_token_free in all cases. */
int google_oauth_token(struct session *session, const struct google_file *file, const char *account, const char *identity,
		       const char *scope, struct google_token *ret, struct error *error);

/* Asks the metadata server for a token of this machine's service account. Returns 0; 1 when there is no such server, with the error
 * saying why; or -1. The caller gives ret to google_token_free in all cases. */
int google_metadata_token(struct session *session, const char *identity, const char *scope, struct google_token *ret,
			  struct error *error);

/* Reads the answer that both give (RFC 6749, 5.1). Returns 0, or -1 with ERROR_REGISTRY. */
int google_token_read(const struct http_response *response, const char *host, struct google_token *ret, struct error *error);

#endif
