/* SPDX-License-Identifier: MIT */
#include "doctor/service.h"

static const struct service *const services[] = {&ghr_service, &gs_service, &s3_service, NULL};

const struct service *service_of(const struct registry *registry)
{
	for (const struct service *const *service = services; *service; service++)
		if ((*service)->ops == registry->ops)
			return *service;
	return NULL;
}

void doctor_credentials(struct doctor *doctor, struct verdict *verdict)
{
	if (!doctor->opened)
		verdict_skip(verdict, "there is no registry to ask");
	else if (doctor->service)
		doctor->service->credential(doctor, verdict);
	else
		verdict_skip(verdict, "a directory takes none");
	doctor->authorized = doctor->opened && verdict->result < RESULT_FAIL;
	doctor_note_time(doctor);
}

void doctor_permissions(struct doctor *doctor, struct verdict *verdict)
{
	if (!doctor->listed)
		verdict_skip(verdict, "the registry has not answered");
	else if (doctor->service)
		doctor->service->permissions(doctor, verdict);
	else
		verdict_skip(verdict, "a directory takes none");
}
