/* SPDX-License-Identifier: MIT */
/* Addresses of mail, as they may stand in a header, in a dialogue with a server, and among the arguments of a program: the plain
 * ones of RFC 5321, 4.1.2, in ASCII; neither quoted local parts nor those of RFC 6531 (SMTPUTF8). */
#ifndef DEWY_MAILBOX_H
#define DEWY_MAILBOX_H

#include "cleanup.h"
#include "words.h"

#include <stdbool.h>

struct error;

struct mailbox {
	char *name; /* for people, any text without control characters; NULL when there is none */
	char *address;
};

#define AUTO_MAILBOX AUTO(mailbox_free)

void mailbox_free(struct mailbox *mailbox);

/* True for LOCAL@DOMAIN. */
bool mailbox_is_address(const char *text);

/* True for a name of a host or a domain (RFC 1123, 2.1): letters, digits and dashes between dots. */
bool mailbox_is_domain(const char *text);

/* Reads ADDRESS, or NAME <ADDRESS> where NAME may be in double quotes. Returns 0, or -1 with ERROR_CONFIG; the caller gives mailbox
 * to mailbox_free in both cases. */
int mailbox_parse(struct mailbox *mailbox, const char *text, struct error *error);

/* Adds the addresses that text lists, with commas between them; with local, the names of users of this machine (root), too. Returns
 * 0, or -1 with ERROR_CONFIG. */
int mailbox_add_list(struct words *addresses, const char *text, bool local, struct error *error);

#endif
