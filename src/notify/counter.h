/* SPDX-License-Identifier: MIT */
/* ROOT/.dewy/notify.json: how many runs in a row have ended badly, so that people are not told the same for ever.
 * {"failures":3,"last_at":"2024-01-15T10:31:15Z","last_id":"20240115T103044Z-7f3a91","error":{...}}, with the error of the last. */
#ifndef DEWY_NOTIFY_COUNTER_H
#define DEWY_NOTIFY_COUNTER_H

#include "json.h"
#include "root/root.h"

/* Returns the failures so far, 0 when there is no counter; with ret_last, what the file holds of the last one, which the caller
 * deletes. */
long long counter_read(const struct root *root, cJSON **ret_last);

/* Counts the failure of a document, once for each run, however often it is called for it; creates ROOT/.dewy when it is not
 * there. Returns 0 with the failures so far, this one included; or -1. */
int counter_add(struct root *root, const cJSON *document, long long *ret_failures, struct error *error);

/* Forgets all failures. Returns 0 or -1. */
int counter_clear(const struct root *root, struct error *error);

#endif
