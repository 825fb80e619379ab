/* SPDX-License-Identifier: MIT */
/* Base64 (RFC 4648). By hand: log lines need it, and tools that log need no OpenSSL. */
#ifndef DEWY_BASE64_H
#define DEWY_BASE64_H

#include <stddef.h>

struct buf;

/* Appends the bytes in base64 with padding. */
void base64_add(struct buf *buf, const void *bytes, size_t length);

/* Appends the bytes in base64url without padding (RFC 4648, 5; RFC 7515, 2). */
void base64url_add(struct buf *buf, const void *bytes, size_t length);

/* Appends what text, padded base64 on one line, stands for. Returns 0, or -1 when it is none. */
int base64_decode(struct buf *buf, const char *text);

#endif
