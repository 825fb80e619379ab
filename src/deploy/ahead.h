/* SPDX-License-Identifier: MIT */
/* Reading ahead: a thread of its own reads, into a few blocks, while what it has read is used. */
#ifndef DEWY_AHEAD_H
#define DEWY_AHEAD_H

#include <stddef.h>
#include <sys/types.h>

struct ahead;
struct error;

/* Fills bytes with size bytes. Returns how many; 0 at the end; or -1. It is not called again after the end or a failure. */
typedef ssize_t ahead_fill(void *context, void *bytes, size_t size, struct error *error);

/* Begins to read by fill(context), which only the thread calls until ahead_close; where no thread can be started, ahead_read calls
 * it. Returns what the caller gives to ahead_close. */
struct ahead *ahead_open(ahead_fill *fill, void *context);

/* Ends the thread as soon as fill returns, whatever is left to be read. */
void ahead_close(struct ahead *ahead);

/* Waits for the next block. Returns how many bytes *ret_bytes points at until the next call, 0 at the end, or -1 with the error of
 * fill, once all that was read before it was returned. */
ssize_t ahead_read(struct ahead *ahead, const void **ret_bytes, struct error *error);

#endif
