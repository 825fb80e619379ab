/* SPDX-License-Identifier: MIT */
/* The program that dewy-check leaves the network to. */
#ifndef DEWY_CHECK_REMOTE_H
#define DEWY_CHECK_REMOTE_H

#include <stdbool.h>

/* True for the URL of a registry that takes the network; NULL is none. */
bool remote_has(const char *url);

/* Returns the path of dewy-check-remote, which the caller frees: beside the directory of this program, else where it was to be
 * installed. */
char *remote_program(void);

#endif
