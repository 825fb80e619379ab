/* SPDX-License-Identifier: MIT */
/* The first stage: what should run, compared with what does. */
#ifndef DEWY_CHECK_H
#define DEWY_CHECK_H

#include "stage.h"

/* Makes the document. Takes no lock and creates nothing in ROOT. */
extern const struct stage check_stage;

#endif
