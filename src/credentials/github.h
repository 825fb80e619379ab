/* SPDX-License-Identifier: MIT */
/* What authorizes requests to GitHub: GH_TOKEN, then GITHUB_TOKEN, then a GitHub App (GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID,
 * and GITHUB_APP_PRIVATE_KEY or GITHUB_APP_PRIVATE_KEY_PATH), else nothing, which is enough for public repositories. */
#ifndef DEWY_CREDENTIALS_GITHUB_H
#define DEWY_CREDENTIALS_GITHUB_H

#include "registry/session.h"

struct github_credential {
	char *authorization; /* the header "Authorization: Bearer TOKEN", NULL for none */
	char identity[17];   /* tells it from other credentials without revealing it, "" for none; one for all tokens of an App */
	char *source;        /* where it comes from, as people know it: "GH_TOKEN", "GitHub App 12"; NULL for none */
	char *kept_as; /* the name (tokens.h) of a token that an earlier run kept: it may be revoked by now; NULL for any other */
};

/* Finds the credential for the API at base (https://api.github.com, https://HOST/api/v3), exchanging a JWT for an installation
 * token where an App is configured. Returns 0, or -1 with ERROR_CONFIG, or the error of the exchange. The caller gives ret to
 * github_credential_free in both cases. */
int github_credential_find(struct session *session, const char *base, struct github_credential *ret, struct error *error);

void github_credential_free(struct github_credential *credential);

/* Returns what the answer of GitHub says about itself, on one line and not long: the member "message" of its error object
 * (https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api), "" when it is none. The caller frees it. */
char *github_message(const struct http_response *response);

#endif
