/* SPDX-License-Identifier: MIT */
/* Small JSON objects in ROOT/.dewy that only help: one that is missing or damaged is as good as empty. */
#ifndef DEWY_STATE_H
#define DEWY_STATE_H

#include "json.h"
#include "root/root.h"

/* The name of what is remembered of the registry: what was found in it, how long it is to be left alone, that it holds many objects,
 * and that it refuses audit records. Each has members of its own. */
#define STATE_REGISTRY "registry.json"

/* Its member of what was found: {"registry":"file:///srv/releases","at":"2024-01-15T10:30:44Z","release":{"version":"v1.2.3",...},
 * "newer_rejected":"v1.2.4",...}. */
#define STATE_FOUND "found"

/* The name of what a registry of which that is not remembered last had to offer, of the same form as "found". A run with nothing to
 * do does not read it. */
#define STATE_OFFERED "offered.json"

/* The name of the release that people were told of last because nothing newer has appeared:
 * {"version":"v1.2.3","since":"2024-01-15T10:28:00Z","at":"2024-02-15T10:30:44Z"}. */
#define STATE_STALE "stale.json"

/* Returns the object in ROOT/.dewy/NAME, an empty one when there is none that can be read; the caller deletes it. */
cJSON *state_read(const struct root *root, const char *name);

/* As state_read, but once: what it returns is *kept, which the caller deletes in the end, and which is not read again. */
const cJSON *state_read_once(const struct root *root, const char *name, cJSON **kept);

/* Reads ROOT/.dewy/NAME, of limit bytes at most, for those who must not take a file that is damaged for none. Returns 0 with the
 * JSON, which the caller deletes; 1 when there is no such file; or -1, also when it is no JSON. */
int state_load(const struct root *root, const char *name, size_t limit, cJSON **ret, struct error *error);

/* Fills in the error for a file whose JSON is not what it should be. Returns -1. */
int state_is_damaged(const struct root *root, const char *name, struct error *error);

/* Replaces ROOT/.dewy/NAME, atomically and durably. Returns 0, or -1 also when there is no ROOT/.dewy. */
int state_write(const struct root *root, const char *name, const cJSON *object, struct error *error);

/* As state_write, but not durably: after a power cut it may be the old one, gone or empty. */
int state_write_passing(const struct root *root, const char *name, const cJSON *object, struct error *error);

/* As state_write, so that only the user that runs dewy can read it. */
int state_write_private(const struct root *root, const char *name, const cJSON *object, struct error *error);

#endif
