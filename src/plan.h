/* SPDX-License-Identifier: MIT */
/* What a dry run would do. */
#ifndef DEWY_PLAN_H
#define DEWY_PLAN_H

#include "json.h"

/* Adds a step to the plan of the document, and logs it. */
void plan_step(cJSON *document, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
