/* SPDX-License-Identifier: MIT */
/* Secrets come from the environment, or from a file that it names: never from the command line, which others can read. */
#ifndef DEWY_SECRET_H
#define DEWY_SECRET_H

struct error;

/* Reads the secret NAME: the variable NAME, else the file that the variable NAME_FILE names, without the line end. Returns 0
 * with the secret, which the caller frees, or NULL when neither variable is set; or -1 with ERROR_CONFIG. */
int secret_read(const char *name, char **ret_secret, struct error *error);

/* As secret_read, for a key in PEM (RFC 7468): all lines of it, whose ends may be written as \n, too; its file may also be named by
 * NAME_PATH. */
int secret_read_pem(const char *name, char **ret_secret, struct error *error);

#endif
