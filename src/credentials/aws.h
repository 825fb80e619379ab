/* SPDX-License-Identifier: MIT */
/* What signs requests to AWS and compatible services: the credential chain of the AWS SDKs
 * (https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html): environment, shared config and credentials
 * files, web identity (STS), container credentials (ECS, EKS Pod Identity), instance metadata (IMDSv2). */
#ifndef DEWY_CREDENTIALS_AWS_H
#define DEWY_CREDENTIALS_AWS_H

#include "registry/session.h"

struct aws_credential {
	char *key_id, *secret;
	char *session_token; /* NULL for none */
	char identity[17];   /* tells it from other credentials without revealing it */
	const char *source;  /* where it comes from, as people know it: "the environment", "the profile NAME" ...; a literal */
};

#define AUTO_AWS_CREDENTIAL AUTO(aws_credential_free)

/* Finds the credential; region is the one of the registry, for STS. Returns 0, or -1 with ERROR_CONFIG when there is none, or the
 * error of an exchange. The caller gives ret to aws_credential_free in both cases. */
int aws_credential_find(struct session *session, const char *region, struct aws_credential *ret, struct error *error);

void aws_credential_free(struct aws_credential *credential);

#endif
