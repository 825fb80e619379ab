/* SPDX-License-Identifier: MIT */
/* How the doctor speaks: a line for each check as soon as it is done, or one JSON object at the end. */
#ifndef DEWY_DOCTOR_PRINT_H
#define DEWY_DOCTOR_PRINT_H

#include "doctor/verdict.h"
#include "json.h"

struct print {
	cJSON *checks;     /* NULL unless it is to be JSON */
	enum result worst;
};

#define AUTO_PRINT AUTO(print_free)

struct print print_begin(bool json);

void print_free(struct print *print);

/* Says what the check of that name came to. */
void print_verdict(struct print *print, const char *name, const struct verdict *verdict);

/* Says that all is said. */
void print_end(struct print *print);

#endif
