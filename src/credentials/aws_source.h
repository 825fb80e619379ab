/* SPDX-License-Identifier: MIT */
/* The sources in the credential chain of AWS, and what they share. */
#ifndef DEWY_CREDENTIALS_AWS_SOURCE_H
#define DEWY_CREDENTIALS_AWS_SOURCE_H

#include "buf.h"
#include "credentials/aws.h"

#include <time.h>

enum { AWS_CREDENTIAL_LIMIT = 65536 }; /* bytes of a file or an answer that holds a credential or leads to one */

struct aws_search {
	struct session *session;
	const char *region;
	struct buf tried; /* why the sources so far have none, for people */
};

/* Says, as printf does, why a source has no credential. Returns 1. */
int aws_skip(struct aws_search *search, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The sources. Each returns 0 with the credential; 1 when it is not set up, which aws_skip says; or -1 when it is, and fails:
 * ERROR_CONFIG for what the user has to correct. identity is filled in by aws_credential_find. */
int aws_environment(struct aws_search *search, struct aws_credential *ret, struct error *error);
int aws_profile(struct aws_search *search, struct aws_credential *ret, struct error *error);
int aws_web_identity(struct aws_search *search, struct aws_credential *ret, struct error *error);
int aws_container(struct aws_search *search, struct aws_credential *ret, struct error *error);
int aws_instance(struct aws_search *search, struct aws_credential *ret, struct error *error);

/* True when the profile, or one that it leads to, has a credential_process. */
bool aws_profile_runs_command(struct session *session);

/* A role that STS gives temporary credentials of (https://docs.aws.amazon.com/STS/latest/APIReference/). */
struct aws_role {
	const char *arn;
	const char *session_name; /* NULL for dewy-HOST */
	const char *external_id;  /* NULL for none */
	const char *duration;     /* seconds, NULL for STS's own */
};

/* Has STS exchange another credential for that of the role (AssumeRole). source says what the credential comes from. Returns 0,
 * or -1. */
int aws_assume_role(struct aws_search *search, const struct aws_role *role, const struct aws_credential *signer, const char *source,
		    struct aws_credential *ret, struct error *error);

/* Has STS exchange the token in a file for a credential of the role (AssumeRoleWithWebIdentity). Returns 0, or -1. */
int aws_assume_role_by_token(struct aws_search *search, const struct aws_role *role, const char *token_file, const char *source,
			     struct aws_credential *ret, struct error *error);

/* Reads a credential as JSON: AccessKeyId, SecretAccessKey, SessionToken or Token, Expiration. Returns 0, also with the time it
 * expires at unless ret_expires_at is NULL (0: never); or -1 with ERROR_CONFIG when it is none or has expired. */
int aws_credential_parse(const char *text, size_t length, const char *source, struct aws_credential *ret, time_t *ret_expires_at,
			 struct error *error);

/* Appends the content of a file that leads to a credential, which what names, without the line end. Returns 0, or -1 with
 * ERROR_CONFIG. */
int aws_read_file(const char *what, const char *path, struct buf *content, struct error *error);

#endif
