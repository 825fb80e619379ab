/* SPDX-License-Identifier: MIT */
/* The stage that turns a verified artifact into the release that current leads to. */
#ifndef DEWY_DEPLOY_H
#define DEWY_DEPLOY_H

#include "stage.h"

extern const struct stage deploy_stage;

#endif
