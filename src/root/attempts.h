/* SPDX-License-Identifier: MIT */
/* ROOT/.dewy/attempts.json: how often a version in a row did not start, so that each further attempt waits longer.
 * {"cache_key":"...","failures":3,"next_at":"2024-01-15T10:31:15Z"} */
#ifndef DEWY_ATTEMPTS_H
#define DEWY_ATTEMPTS_H

#include "root/root.h"

#include <time.h>

/* Returns how often the artifact failed to start, 0 for none, with the time before which it is not tried again. */
int attempts_failed(const struct root *root, const char *cache_key, time_t *ret_next);

/* Counts one more failure: the pause is 10 s, and doubles up to an hour. Returns 0 or -1. */
int attempts_add(const struct root *root, const char *cache_key, struct error *error);

/* Forgets all failures. Returns 0 or -1. */
int attempts_clear(const struct root *root, struct error *error);

#endif
