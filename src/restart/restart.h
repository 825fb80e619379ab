/* SPDX-License-Identifier: MIT */
/* The stage that proves that the deployed release serves, or goes back. */
#ifndef DEWY_RESTART_H
#define DEWY_RESTART_H

#include "stage.h"

extern const struct stage restart_stage;

#endif
