/* SPDX-License-Identifier: MIT */
/* A GitHub App: its private key signs a JWT, which is exchanged for a token of its installation, good for an hour
 * (https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app). */
#ifndef DEWY_CREDENTIALS_GITHUB_APP_H
#define DEWY_CREDENTIALS_GITHUB_APP_H

#include "credentials/github.h"

/* Finds the App in the environment, and a token for it: one that an earlier run kept, or a new one. Returns 0, with nothing in ret
 * when no App is configured; or -1 with ERROR_CONFIG, or the error of the exchange. */
int github_app_find(struct session *session, const char *base, struct github_credential *ret, struct error *error);

#endif
