/* SPDX-License-Identifier: MIT */
/* ROOT/.dewy/floor.json: {"version":"v1.2.3","at":"2024-01-15T10:31:15Z","signed":true}, the highest version that was verified,
 * deployed, and, where there is a server, has proved itself; nothing older is deployed with --no-downgrade. It is kept without that
 * option, too, so that it protects from the first run that has it, and outlives the releases on disk. */
#ifndef DEWY_FLOOR_H
#define DEWY_FLOOR_H

#include "json.h"
#include "root/root.h"

struct error;

/* Returns the floor, an object without members when there is none; the caller deletes it. NULL with the error when the file
 * cannot be read or is damaged: then nobody knows what is too old. */
cJSON *floor_read(const struct root *root, struct error *error);

/* Raises the floor to the version of a document whose last stage has succeeded, durably. An older version changes nothing; one
 * of the same age only that it is signed, once it is; one of another kind (a calendar version after a semantic one) cannot be
 * compared, and replaces the floor. That it cannot be raised is said at WARN: what is deployed is no worse for it. */
void floor_raise(const struct root *root, const cJSON *document);

/* Removes the floor. Returns 0 with what it was, which the caller deletes, without members when there was none; or -1. */
int floor_forget(const struct root *root, cJSON **ret_forgotten, struct error *error);

#endif
