/* SPDX-License-Identifier: MIT */
/* dewy-notify: tells people and the registry what happened. */
#ifndef DEWY_NOTIFY_H
#define DEWY_NOTIFY_H

#include "stage.h"

extern const struct stage notify_stage;

#endif
