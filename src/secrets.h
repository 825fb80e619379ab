/* SPDX-License-Identifier: MIT */
/* Variables that dewy itself is configured with, and that hooks and workers must not inherit. */
#ifndef DEWY_SECRETS_H
#define DEWY_SECRETS_H

/* Names for proc_environment, ended by NULL; one that ends in * is a prefix. */
extern const char *const secret_variables[];

#endif
