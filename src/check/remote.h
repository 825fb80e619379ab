/* SPDX-License-Identifier: MIT */
/* The program that dewy-check leaves the network to. */
#ifndef DEWY_CHECK_REMOTE_H
#define DEWY_CHECK_REMOTE_H

/* Returns the path of dewy-check-remote, which the caller frees: beside the directory of this program, else where it was to be
 * installed. */
char *remote_program(void);

#endif
