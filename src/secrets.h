/* SPDX-License-Identifier: MIT */
/* Variables that dewy itself is configured with, and that hooks and workers must not inherit; and what is secret of them and of
 * others. Those of proxies and of the application are inherited, because programs need them; what is secret of them is kept out
 * of what dewy writes, too. */
#ifndef DEWY_SECRETS_H
#define DEWY_SECRETS_H

/* Names for proc_environment, ended by NULL; one that ends in * is a prefix. */
extern const char *const secret_variables[];

/* Has redact.h learn what is secret in the environment: the values of variables with the name of a secret, the passwords in URLs,
 * what follows the host of a webhook where that is long enough, the headers for OpenTelemetry, and the long words in the paths of
 * its endpoints. */
void secrets_learn(void);

/* Has redact.h learn the values of NAME=VALUE,..., as OTEL_EXPORTER_OTLP_HEADERS has them; NULL is none. */
void secrets_learn_headers(const char *list);

/* As secrets_learn, for the files with secrets that variables name, and those in CREDENTIALS_DIRECTORY; what cannot be read is left
 * out. For the output of programs that can read them, too. */
void secrets_learn_files(void);

#endif
