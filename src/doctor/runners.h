/* SPDX-License-Identifier: MIT */
/* Who may run dewy again and again, in files of those names. Each says what it finds, and returns true when it is that one. */
#ifndef DEWY_DOCTOR_RUNNERS_H
#define DEWY_DOCTOR_RUNNERS_H

#include "doctor/doctor.h"

bool cron_runs(const struct doctor *doctor, struct verdict *verdict);
bool watch_runs(const struct doctor *doctor, struct verdict *verdict);

#endif
