/* SPDX-License-Identifier: MIT */
/* A survey of ROOT in words. */
#ifndef DEWY_PRINT_STATUS_H
#define DEWY_PRINT_STATUS_H

#include "json.h"

/* Prints it to standard output: one line for each fact, in the same words whether people or programs read them. */
void print_status(const cJSON *survey);

#endif
