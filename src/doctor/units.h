/* SPDX-License-Identifier: MIT */
/* What systemd knows of a unit. */
#ifndef DEWY_DOCTOR_UNITS_H
#define DEWY_DOCTOR_UNITS_H

#include "doctor/doctor.h"
#include "json.h"

/* True when systemd is what runs this machine (sd_booted(3)), and systemctl can ask it. */
bool units_are_here(void);

/* Returns the name of a unit of this application, such as dewy@myapp.timer for "dewy@" and ".timer": its instance is the name of
 * ROOT. The caller frees it. */
char *unit_name(const struct doctor *doctor, const char *before, const char *after);

/* Asks for the properties of a unit (systemctl(1), show). Returns an object of texts, empty when there is no such unit; the caller
 * deletes it. */
cJSON *unit_read(const char *name);

/* Returns a property, "" when it is not known. It belongs to unit. */
const char *unit_get(const cJSON *unit, const char *property);

#endif
