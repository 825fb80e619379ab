/* SPDX-License-Identifier: MIT */
/* Who has asked to be left alone until when: "limits" in ROOT/.dewy/registry.json, an array of
 * {"host":"api.github.com","identity":"0123456789abcdef","until":"2024-01-15T10:31:15Z"}. */
#ifndef DEWY_LIMITS_H
#define DEWY_LIMITS_H

#include "json.h"

enum { LIMITS_LONGEST = 86400 }; /* seconds; one that is further ahead was written while the clock was wrong */

/* Returns until when a host is to be left alone by whoever has that identity, a text of state; NULL when it may be asked. */
const char *limits_until(const cJSON *state, const char *host, const char *identity);

/* Returns the limit that lasts longest, whoever it is for, which belongs to state; NULL when there is none. */
const cJSON *limits_longest(const cJSON *state);

/* Replaces what state has of the host and the identity, and drops what is over. */
void limits_add(cJSON *state, const char *host, const char *identity, const char *until);

#endif
