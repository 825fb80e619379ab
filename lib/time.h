/* SPDX-License-Identifier: MIT */
/* Clocks and their texts. Times of day are UTC; waits are measured on the monotonic clock. */
#ifndef DEWY_TIME_H
#define DEWY_TIME_H

#include <time.h>

#define TIME_TEXT 32 /* bytes that any text below needs */

/* Returns milliseconds on a clock that never jumps. */
long long time_monotonic(void);

/* Returns milliseconds since the epoch. */
long long time_now(void);

/* Writes seconds since the epoch as 2024-01-15T10:30:45Z (RFC 3339). Returns text. */
const char *time_format(time_t when, char text[TIME_TEXT]);

/* Writes milliseconds since the epoch as 2024-01-15T10:30:45.123Z (RFC 3339). Returns text. */
const char *time_format_ms(long long milliseconds, char text[TIME_TEXT]);

/* Writes seconds since the epoch as 20240115T103045Z (ISO 8601, basic), which sorts as it should and fits a file name.
 * Returns text. */
const char *time_stamp(time_t when, char text[TIME_TEXT]);

/* Writes a time of day as 20240115T103045.123456789Z: time_stamp with its nanoseconds. Returns text. */
const char *time_stamp_fine(const struct timespec *when, char text[TIME_TEXT]);

/* Reads an RFC 3339 time, with any offset and fraction. Returns 0 with seconds since the epoch, or -1. */
int time_parse(const char *text, time_t *ret_when);

/* As time_parse, with milliseconds since the epoch; of a finer fraction, the rest is dropped. */
int time_parse_ms(const char *text, long long *ret_milliseconds);

/* Reads what time_stamp writes. Returns 0 with seconds since the epoch, or -1. */
int time_parse_stamp(const char *text, time_t *ret_when);

/* Sleeps milliseconds, not shortened by signals that have handlers. */
void time_sleep(long long milliseconds);

#endif
