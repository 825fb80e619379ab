/* SPDX-License-Identifier: MIT */
/* ROOT/.dewy/rejected.json: versions that are not deployed again by themselves.
 * {"versions":[{"version":"v1.2.3","above":"v1.2.1","reason":"...","at":"2024-01-15T10:31:15Z"}]}; with "above", which a
 * rollback by hand sets, every version after that one and up to "version" is meant. */
#ifndef DEWY_REJECTED_H
#define DEWY_REJECTED_H

#include "json.h"
#include "root/root.h"

/* Returns the array of rejected versions, empty when there are none; the caller deletes it. NULL with the error when the
 * file cannot be read. */
cJSON *rejected_read(const struct root *root, struct error *error);

/* Adds a version, in place of an entry for the same one. Returns 0 or -1. */
int rejected_add(const struct root *root, const char *version, const char *reason, struct error *error);

/* Holds the application at a version that somebody chose: everything after it, up to the version that ran, is rejected. What
 * was held before stays so, as far as it is after the chosen version. Returns 0 or -1. */
int rejected_hold(const struct root *root, const char *chosen, const char *ran, const char *reason, struct error *error);

/* Lets a version be deployed again: entries for it are removed, and what is held begins after it. Returns 0 or -1. */
int rejected_accept(const struct root *root, const char *version, struct error *error);

#endif
