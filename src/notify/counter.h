/* SPDX-License-Identifier: MIT */
/* ROOT/.dewy/notify.json: how many runs in a row have ended badly, and in "channels" what is remembered of each channel
 * (listener.h). {"failures":3,"last_at":"2024-01-15T10:31:15Z","last_id":"20240115T103044Z-7f3a91","error":{...},"channels":{...}},
 * with the error of the last failure. It is not there while there is nothing to remember. */
#ifndef DEWY_NOTIFY_COUNTER_H
#define DEWY_NOTIFY_COUNTER_H

#include "json.h"
#include "root/root.h"

/* The members of the file that hold the channels by their names, and what of one could not be delivered. */
#define COUNTER_CHANNELS "channels"
#define COUNTER_UNDELIVERED "undelivered"

/* Returns the failures so far, 0 when there are none; with ret_file, what the file holds, which the caller deletes. */
long long counter_read(const struct root *root, cJSON **ret_file);

/* Counts the failure of a document, once for each run, however often it is called for it; creates ROOT/.dewy when it is not
 * there. Returns 0 with the failures so far, this one included; or -1. */
int counter_add(struct root *root, const cJSON *document, long long *ret_failures, struct error *error);

/* Forgets all failures, but nothing of the channels; none when the last one is of another run than last_id, and so came after the
 * end of those. Returns 0 or -1. */
int counter_clear(struct root *root, const char *last_id, struct error *error);

/* Lets change alter what the file holds, alone with it, and replaces the file if that made a difference; creates ROOT/.dewy when
 * it is not there. Returns 0 or -1. */
int counter_change(struct root *root, void (*change)(cJSON *file, void *context), void *context, struct error *error);

#endif
