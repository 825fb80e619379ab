/* SPDX-License-Identifier: MIT */
/* Mail by libcurl's SMTP (RFC 5321), configured in one place: TLS by STARTTLS (RFC 3207) or from the start (RFC 8314), required
 * unless it is told otherwise, and verified as transfer.h says; AUTH (RFC 4954) by the best mechanism that both sides know. */
#ifndef DEWY_SMTP_H
#define DEWY_SMTP_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct error;

enum smtp_tls { SMTP_STARTTLS, SMTP_IMPLICIT, SMTP_CLEAR };

struct smtp_server {
	const char *place; /* HOST:PORT, an IPv6 address in brackets */
	enum smtp_tls tls;
	bool direct;                     /* past every proxy: for addresses that only this machine can mean */
	const char *username, *password; /* both NULL for no AUTH */
	const char *authorities;         /* as for transfer.h */
	const char *name;                /* what this machine calls itself (EHLO) */
};

struct smtp_mail {
	const char *from;      /* the address for what cannot be delivered */
	const char *const *to; /* addresses, ended by NULL */
	const char *content;   /* the message, lines ended by LF */
	long long timeout_ms;  /* for all attempts together */
};

/* Sends the mail to each recipient who is not refused. What is refused for the moment (4yz), and a connection that breaks or is not
 * to be had, is tried again within the time, after growing pauses. Returns 0 when somebody took it, with who did not, and why,
 * appended to refused; or -1 with ERROR_NETWORK or ERROR_CONFIG, which hold what the server says, shortened, but no
 * password in any form it is sent in. */
int smtp_send(const struct smtp_server *server, const struct smtp_mail *mail, struct buf *refused, struct error *error);

#endif
