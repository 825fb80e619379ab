/* SPDX-License-Identifier: MIT */
/* What mail says, whichever way it goes: to whom, from whom, and the message (RFC 5322), one thread for each run. */
#ifndef DEWY_NOTIFY_MAIL_MESSAGE_H
#define DEWY_NOTIFY_MAIL_MESSAGE_H

#include "mailbox.h"
#include "notify/channel.h"
#include "words.h"

struct mail {
	struct words to;
	struct mailbox from; /* without an address when nobody has named one */
};

#define AUTO_MAIL AUTO(mail_free)

/* Reads who gets the mail of a channel: those that list names (NULL or "" for none), and the parameter to; with local, users of
 * this machine, too. From whom it comes is the parameter from, else MAIL_FROM. Returns 0, or -1 with ERROR_CONFIG; the caller gives
 * mail to mail_free in both cases. */
int mail_open(struct mail *mail, const struct channel *channel, const char *list, bool local, struct error *error);

void mail_free(struct mail *mail);

/* Returns the name of this machine when it is one that a domain can have, else "localhost". The caller frees it. */
char *mail_host(void);

/* Returns the message, lines ended by LF; the caller frees it. Without a sender it has no From: sendmail adds that. The first
 * message of a run has the root of the thread as its Message-ID, and the others answer it. */
char *mail_write(const struct mail *mail, const struct channel *channel, const struct message *message);

/* Notes that the message is on its way: the next one of this run answers the first one. */
void mail_note_thread(struct channel *channel, const struct message *message);

#endif
