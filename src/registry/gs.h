/* SPDX-License-Identifier: MIT */
/* What the service says when it refuses (https://cloud.google.com/storage/docs/json_api/v1/status-codes), in sentences. */
#ifndef DEWY_GS_H
#define DEWY_GS_H

#include "credentials/google.h"
#include "registry/registry.h"

struct gs_permission {
	const char *name;
	const char *role; /* the least that has it */
};

struct gs_refusal {
	const char *host, *bucket;
	const char *account; /* whose request was refused, NULL for nobody's */
	const struct gs_permission *permission; /* that the request needed */
};

/* Fills in the error for an answer that is no success. Returns -1. */
int gs_refuse(const struct gs_refusal *refusal, const struct http_response *response, struct error *error);

#endif
