/* SPDX-License-Identifier: MIT */
/* Secrets come from the environment, or from a file: never from the command line, which others can read. What is read here under
 * the name of a secret (redact.h) is kept out of logs and errors from then on. */
#ifndef DEWY_SECRET_H
#define DEWY_SECRET_H

struct error;

/* Reads the secret NAME: the variable NAME, else the first line of the file that the variable NAME_FILE names, else that of the
 * file NAME in the directory that CREDENTIALS_DIRECTORY names (systemd.exec(5), LoadCredential). Returns 0 with the secret, which
 * the caller frees, or NULL when there is none of these; or -1 with ERROR_CONFIG. */
int secret_read(const char *name, char **ret_secret, struct error *error);

/* As secret_read, for a secret of several lines, such as a key in PEM. */
int secret_read_text(const char *name, char **ret_secret, struct error *error);

/* As secret_read_text, from the file that the variable names alone. */
int secret_read_file(const char *variable, char **ret_secret, struct error *error);

/* Returns where secret_read takes the secret from, for people: "NAME", "PATH, which NAME_FILE names"; NULL when it is nowhere. The
 * caller frees it. */
char *secret_source(const char *name);

/* Returns the path of the file NAME in the directory that CREDENTIALS_DIRECTORY names, NULL when there is none. The caller frees
 * it. */
char *secret_credential(const char *name);

#endif
