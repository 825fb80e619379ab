/* SPDX-License-Identifier: MIT */
/* Internet messages: header fields (RFC 5322), with what is not ASCII as encoded words (RFC 2047), and bodies as quoted-printable
 * (RFC 2045, 6.7). Lines end in LF: whoever sends them makes that CRLF. No text can begin a field or a line of its own: control
 * characters are left out, and bytes that are not UTF-8 replaced. */
#ifndef DEWY_MIME_H
#define DEWY_MIME_H

#include <stddef.h>
#include <time.h>

struct buf;

/* Returns text without control characters and with U+FFFD for what is not UTF-8, without line ends. The caller frees it. */
char *mime_line(const char *text);

/* As mime_line, but with tabs, and with each CRLF, CR or LF as a LF. */
char *mime_lines(const char *text);

/* Appends "NAME: text", of any characters, folded so that no line is longer than 78 bytes (RFC 5322, 2.1.1). */
void mime_add_text(struct buf *buf, const char *name, const char *text);

/* Appends "NAME: display <address>"; display is any text, quoted or encoded as it needs, of which 42 bytes are kept, or NULL.
 * address is one that mailbox_is_address takes. */
void mime_add_mailbox(struct buf *buf, const char *name, const char *display, const char *address);

/* Appends "NAME: item<separator>item...", an item a line; items are ASCII without control characters, ended by NULL. */
void mime_add_list(struct buf *buf, const char *name, const char *separator, const char *const *items);

/* Appends the date of seconds since the epoch, in UTC (RFC 5322, 3.3). */
void mime_add_date(struct buf *buf, time_t when);

/* Appends text, lines ended by LF, as quoted-printable with a line end at its end. Dots and "From " at the beginning of a line are
 * encoded, too, so that no server on the way has to change them (RFC 2049, 3). */
void mime_add_quoted_printable(struct buf *buf, const char *text);

#endif
