/* SPDX-License-Identifier: MIT */
/* The units of this application, as systemd knows them. */
#ifndef DEWY_DOCTOR_UNITS_H
#define DEWY_DOCTOR_UNITS_H

#include "doctor/doctor.h"
#include "restart/systemctl.h"

/* Returns the name of a unit of this application, such as dewy@myapp.timer for "dewy@" and ".timer": its instance is the name of
 * ROOT. The caller frees it. */
char *unit_name(const struct doctor *doctor, const char *before, const char *after);

/* True when systemd is what runs this machine (sd_booted(3)). */
bool units_are_here(void);

/* Asks for a unit. Returns true when systemd is what runs this machine, and knows it; else all of ret is empty. */
bool unit_look(const char *name, struct unit_state *ret);

/* True when a socket unit that is there starts the service. */
bool unit_has_socket(const struct unit_state *unit);

/* Warns of a unit that does not come back after a boot: neither by itself, nor by a socket. */
void unit_advise_enabling(const char *name, const struct unit_state *unit, struct verdict *verdict);

/* Says whether a service runs, and fails when it does not. */
void unit_tell(const struct doctor *doctor, const char *name, const struct unit_state *unit, struct verdict *verdict);

#endif
