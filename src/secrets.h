/* SPDX-License-Identifier: MIT */
/* What dewy's own tools read from the environment and nobody else is to see: the credentials of registries and notifiers,
 * and dewy's options. Servers and hooks run without them. */
#ifndef DEWY_SECRETS_H
#define DEWY_SECRETS_H

/* Names of variables, ended by NULL; a * at the end stands for any rest. To be given to proc_environment. */
extern const char *const secret_variables[];

#endif
