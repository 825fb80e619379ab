/* SPDX-License-Identifier: MIT */
/* What signs requests to AWS and compatible services: the credential chain of the AWS SDKs
 * (https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html): environment, shared config and credentials
 * files, web identity (STS), container credentials (ECS, EKS Pod Identity), instance metadata (IMDSv2). */
#ifndef DEWY_CREDENTIALS_AWS_H
#define DEWY_CREDENTIALS_AWS_H

#include "registry/session.h"
#include "words.h"

struct aws_credential {
	char *key_id, *secret;
	char *session_token; /* NULL for none */
	char identity[17];   /* tells it from other credentials without revealing it */
	char *source;        /* where it comes from, as people know it: "the environment", "the profile NAME" ... */
	char *kept_as; /* the name (tokens.h) under which an earlier run kept it: it may be revoked by now; NULL for a new one */
};

#define AUTO_AWS_CREDENTIAL AUTO(aws_credential_free)

/* Finds the credential; region is the one of the registry, for STS. Returns 0, or -1 with ERROR_CONFIG when there is none, or the
 * error of an exchange. The caller gives ret to aws_credential_free in both cases. */
int aws_credential_find(struct session *session, const char *region, struct aws_credential *ret, struct error *error);

/* True when that may run a command, because a profile has a credential_process. */
bool aws_runs_command(struct session *session);

void aws_credential_free(struct aws_credential *credential);

/* What a signed request points to. */
struct aws_signing {
	struct http_signature signature;
	struct words headers; /* those of the caller first */
	char *scope;
};

#define AUTO_AWS_SIGNING AUTO(aws_signing_free)

/* Makes request one with the headers in signing and, unless credential is NULL, signed with it for the service, "s3", in the region
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html). Its body must be there already. credential and
 * signing must live as long as request; the caller gives signing to aws_signing_free. */
void aws_sign(struct http_request *request, const struct aws_credential *credential, const char *region, const char *service,
	      struct aws_signing *signing);

void aws_signing_free(struct aws_signing *signing);

/* Returns the domain that the services of AWS have in the region. */
const char *aws_domain(const char *region);

/* Returns the URL of STS in the region, or the one that the environment names; the caller frees it. NULL with ERROR_CONFIG. */
char *aws_sts_url(const char *region, struct error *error);

/* Takes the URL that AWS_ENDPOINT_URL_SERVICE, else AWS_ENDPOINT_URL gives, and checks it. Returns 0 with the URL, which belongs
 * to the environment, or NULL when neither is set; or -1 with ERROR_CONFIG. */
int aws_endpoint(const char *service, const char **ret_url, struct error *error);

/* Checks the URL of an endpoint, which what names. Returns 0, or -1 with ERROR_CONFIG. */
int aws_check_endpoint(const char *what, const char *text, struct error *error);

#endif
