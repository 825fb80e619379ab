/* SPDX-License-Identifier: MIT */
/* What a check came to: what it found, sentence by sentence, and what to do. */
#ifndef DEWY_DOCTOR_VERDICT_H
#define DEWY_DOCTOR_VERDICT_H

#include "buf.h"
#include "error.h"

/* From the least to the worst. */
enum result {
	RESULT_SKIP, /* there was nothing to look at */
	RESULT_OK,
	RESULT_WARN, /* it works, but not well, or not for long */
	RESULT_FAIL,
};

/* {0} is one that has found nothing. */
struct verdict {
	enum result result;
	enum error_code code; /* of what failed first */
	struct buf found;     /* on one line, "; " between two sentences */
	struct buf advice;    /* the same; empty when there is nothing to do */
};

#define AUTO_VERDICT AUTO(verdict_free)

void verdict_free(struct verdict *verdict);

/* Add what was found. The worst of all that was added is the result. */
void verdict_skip(struct verdict *verdict, const char *format, ...) __attribute__((format(printf, 2, 3)));
void verdict_ok(struct verdict *verdict, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Add what is not as it should be, as an error whose hint is the advice. */
void verdict_warn(struct verdict *verdict, const struct error *error);
void verdict_fail(struct verdict *verdict, const struct error *error);

/* Returns "ok", "warn", "fail" or "skip". */
const char *result_word(enum result result);

#endif
