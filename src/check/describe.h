/* SPDX-License-Identifier: MIT */
/* The members of a document that tell what was found: its sections release and artifact. */
#ifndef DEWY_CHECK_DESCRIBE_H
#define DEWY_CHECK_DESCRIBE_H

#include "check/choose.h"
#include "json.h"
#include "registry/registry.h"

struct error;

/* Puts the deployed release into the document, from its own record: the registry is not needed. */
void describe_deployed(cJSON *document, const cJSON *record);

/* Puts a release into the document; calver is the form of its version, NULL for a semantic one. */
void describe_choice(cJSON *document, const struct choice *choice, const char *calver);

/* Puts the artifact of a version into the document. Returns 0, or -1 with ERROR_REGISTRY when the cache could not take its name. */
int describe_artifact(cJSON *document, const char *version, const struct artifact *artifact, struct error *error);

/* Puts the checksum files and signatures of an artifact, one of the list, into the document. A checksum file tells nothing new
 * where the registry knows the digest, unless it is signed. */
void describe_companions(cJSON *document, const struct artifact_list *list, const struct artifact *artifact);

#endif
