/* SPDX-License-Identifier: MIT */
/* The second stage: the artifact, whole and verified, in the cache. */
#ifndef DEWY_FETCH_H
#define DEWY_FETCH_H

#include "stage.h"

extern const struct stage fetch_stage;

#endif
