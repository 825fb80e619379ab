/* SPDX-License-Identifier: MIT */
/* A growing byte buffer. {0} is an empty one; data is always terminated once something was added. */
#ifndef DEWY_BUF_H
#define DEWY_BUF_H

#include "cleanup.h"

#include <stdarg.h>
#include <stddef.h>

struct error;

struct buf {
	char *data;
	size_t length;
	size_t capacity;
};

#define AUTO_BUF AUTO(buf_free)

void buf_free(struct buf *buf);

/* Appends length bytes. */
void buf_add(struct buf *buf, const void *bytes, size_t length);

/* Appends a terminated text. */
void buf_puts(struct buf *buf, const char *text);

/* Appends formatted text. */
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

void buf_vprintf(struct buf *buf, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

/* Forgets the content, keeps the memory. */
void buf_clear(struct buf *buf);

/* Returns the content as a terminated text, never NULL; it belongs to the buffer. */
const char *buf_text(const struct buf *buf);

/* Returns the content, which the caller frees, and leaves an empty buffer. */
char *buf_steal(struct buf *buf);

/* Appends all that fd gives until its end, limit bytes at the most. Returns 0; 1 when there was more than that; -1 with
 * errno set when reading failed. */
int buf_read(struct buf *buf, int fd, size_t limit);

#endif
