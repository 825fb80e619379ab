/* SPDX-License-Identifier: MIT */
/* Small questions about text. */
#ifndef DEWY_STR_H
#define DEWY_STR_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* True when both are the same text; NULL equals only NULL. */
bool str_equal(const char *a, const char *b);

/* True when text begins with prefix. */
bool str_starts(const char *text, const char *prefix);

/* True when text ends in suffix. */
bool str_ends(const char *text, const char *suffix);

/* True when text can be the name of one file in a directory: not empty, at most 255 bytes of UTF-8, no slash, no
 * control character, and not beginning with a dot. */
bool str_is_file_name(const char *text);

/* Returns the length of the well-formed UTF-8 sequence at start (RFC 3629), 0 when there is none. */
size_t str_utf8_length(const char *start);

/* Returns the code point of the control character that text begins with: C0, DEL or C1, which move terminals, or one of those by
 * which Unicode breaks lines and turns their direction round, so that a reader sees something else; 0 for any other character. */
unsigned str_control(const char *text);

/* Reads a whole number without sign. Returns 0, or -1 when text is anything else or does not fit. */
int str_to_number(const char *text, long long *ret_number);

/* Reads a duration: a whole or decimal number and ms, s, m or h; without a unit it counts seconds. Returns 0 with
 * milliseconds, or -1. */
int str_to_duration(const char *text, long long *ret_milliseconds);

/* Reads a size: a whole number and optionally K, M, G or T, powers of 1024, with or without iB or B behind. Returns 0
 * with bytes, or -1. */
int str_to_size(const char *text, long long *ret_bytes);

/* Appends milliseconds as people write them: 340ms, 4.2s, 2m5s, 3h10m. */
void str_add_duration(struct buf *buf, long long milliseconds);

/* Appends bytes as people write them: 512 B, 1.2 MiB. */
void str_add_size(struct buf *buf, long long bytes);

/* Appends text so that it stays on one line and cannot be taken for something else: a quote, a backslash and control
 * characters are escaped as in JSON, and bytes that are not UTF-8 as \ufffd. */
void str_add_escaped(struct buf *buf, const char *text);

/* Appends text with its control characters escaped as in JSON, and U+FFFD for each byte that is not UTF-8. */
void str_add_visible(struct buf *buf, const char *text);

/* Appends text with a replacement character (U+FFFD) for each byte that is not UTF-8. */
void str_add_utf8(struct buf *buf, const char *text);

/* Splits text at white space. Returns the words, ended by NULL, in one block that the caller frees. */
char **str_split(const char *text, size_t *ret_count);

#endif
