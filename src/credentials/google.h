/* SPDX-License-Identifier: MIT */
/* What authorizes requests to Google Cloud: the Application Default Credentials
 * (https://cloud.google.com/docs/authentication/application-default-credentials): the file that GOOGLE_APPLICATION_CREDENTIALS
 * names, the one of gcloud, the metadata server. */
#ifndef DEWY_CREDENTIALS_GOOGLE_H
#define DEWY_CREDENTIALS_GOOGLE_H

#include "registry/session.h"

struct google_credential {
	char *authorization; /* the header "Authorization: Bearer TOKEN" */
	char *user_project;  /* the header "x-goog-user-project: PROJECT", for whose quota is used and who pays; NULL for none */
	char *account;       /* whose it is, as people know it: "NAME@PROJECT.iam.gserviceaccount.com", "the user of FILE" ... */
	char identity[17];   /* tells it from other credentials without revealing it */
	char *kept_as; /* the name (tokens.h) of a token that an earlier run kept: it may be revoked by now; NULL for a new one */
};

/* Finds the credential and exchanges it for an access token with that OAuth scope, or takes one that was kept and is still good for
 * some minutes. Returns 0, or -1 with ERROR_CONFIG, or the error of the exchange. The caller gives ret to
 * google_credential_free in both cases. */
int google_credential_find(struct session *session, const char *scope, struct google_credential *ret, struct error *error);

void google_credential_free(struct google_credential *credential);

#endif
