/* SPDX-License-Identifier: MIT */
/* What a registry of one scheme tells about itself and about who asks: a row in the table of credentials.c, and a file of its own.
 * It is for the doctor alone, so that no other program has to carry it. */
#ifndef DEWY_DOCTOR_SERVICE_H
#define DEWY_DOCTOR_SERVICE_H

#include "doctor/doctor.h"

struct service {
	const struct registry_ops *ops;

	/* Returns the URL that an open registry is asked at; the caller frees it. NULL when there is none. */
	char *(*base)(const struct registry *registry);

	/* Finds the credential, and says where it comes from. */
	void (*credential)(struct doctor *doctor, struct verdict *verdict);

	/* Says what the credential may do in a registry that has answered. */
	void (*permissions)(struct doctor *doctor, struct verdict *verdict);

	/* True when what is signed is refused under a wrong clock. */
	bool (*is_timed)(const struct registry *registry);
};

extern const struct service ghr_service, gs_service, s3_service;

/* Returns the service of the registry, NULL for a directory. */
const struct service *service_of(const struct registry *registry);

#endif
