/* SPDX-License-Identifier: MIT */
/* What the files of smtp.h share: how far the dialogue with a server has come. */
#ifndef DEWY_SMTP_SESSION_H
#define DEWY_SMTP_SESSION_H

#include "buf.h"
#include "smtp.h"
#include "transfer.h"

#include <curl/curl.h>

/* What the last command was that libcurl sent. */
enum smtp_command {
	COMMAND_NONE,
	COMMAND_EHLO,
	COMMAND_STARTTLS,
	COMMAND_AUTH,
	COMMAND_MAIL,
	COMMAND_RCPT,
	COMMAND_DATA,
	COMMAND_QUIT
};

/* What people are told of how far it came: the commands, for none "connecting". */
extern const char *const smtp_command_words[];

struct recipient {
	const char *address;
	bool wanted; /* in the present attempt */
	bool taken;  /* the mail was delivered for it */
	int code;    /* of the last answer to it, 0 for none */
	char *said;  /* that answer, as people may read it */
};

struct smtp_session {
	const struct smtp_server *server;
	const struct smtp_mail *mail;
	CURL *curl;
	long long deadline; /* milliseconds on the monotonic clock */
	struct buf content; /* with CRLF */
	struct recipient *recipients;
	size_t count;
	int attempt; /* counted from 1 */

	/* of the present attempt */
	struct curl_slist *to;
	size_t sent;  /* bytes of the content */
	size_t asked; /* the recipient that the last RCPT was about */
	enum smtp_command command;
	struct buf reply;
	int code; /* of the reply to the last command when it is complete, else 0 */
	bool delivered;
	long long quit_at; /* when it took leave, 0 before */
	curl_socket_t connection;
	long long started_at; /* milliseconds on the monotonic clock */
	char tls[TRANSFER_TLS];
	char detail[CURL_ERROR_SIZE];
};

/* Sets libcurl up to follow the dialogue into the session. Returns 0, or another number when it lacks an option. */
int smtp_follow(struct smtp_session *session);

/* Returns the last answer as people may read it, on one line, shortened, and without the password; the caller frees it. */
char *smtp_said(const struct smtp_session *session);

/* Fills in the error for a mail that nobody took, after an attempt that ended with that code. Returns -1. */
int smtp_explain(const struct smtp_session *session, CURLcode code, struct error *error);

#endif
