/* SPDX-License-Identifier: MIT */
#include "alloc.h"
#include "error.h"
#include "smtp_session.h"
#include "transfer.h"

#include <string.h>

const char *const smtp_command_words[] = {"connecting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"};

/* What an answer means, and what to do: the first row that fits (RFC 5321, 4.2.3; RFC 4954, 6; RFC 3463). The sentence goes on with
 * the answer itself. */
static const struct meaning {
	enum smtp_command command; /* COMMAND_NONE for any */
	int least, most;           /* codes */
	const char *meaning;
	const char *hint;
} meanings[] = {
	{COMMAND_AUTH, 454, 454, "cannot check the password now",
	 "ask whoever runs that server if it goes on"},
	{COMMAND_AUTH, 400, 599, "refuses the user name or the password",
	 "check MAIL_USERNAME and MAIL_PASSWORD; some services want a password of its own for each program"},
	{COMMAND_NONE, 530, 530, "wants to know who sends",
	 "set MAIL_USERNAME and MAIL_PASSWORD_FILE, and leave out tls=none, without which no password is sent"},
	{COMMAND_NONE, 421, 421, "is too busy", "ask whoever runs that server if it goes on"},
	{COMMAND_RCPT, 450, 451, "puts off the recipient",
	 "it may do so with whom it does not know yet (greylisting): give a longer --notify-timeout, or have it trust this host"},
	{COMMAND_RCPT, 452, 452, "has no room for the recipient", "make room in the mailbox, or name fewer recipients"},
	{COMMAND_RCPT, 552, 552, "has no room for the recipient", "make room in the mailbox"},
	{COMMAND_RCPT, 500, 599, "refuses the recipient",
	 "check the address; if it is right, the server may want MAIL_USERNAME and MAIL_PASSWORD_FILE before it passes mail on"},
	{COMMAND_NONE, 552, 552, "finds the message too large", "let hooks print less, or raise the limit of that server"},
	{COMMAND_NONE, 523, 523, "finds the message too large", "let hooks print less, or raise the limit of that server"},
	{COMMAND_MAIL, 500, 599, "refuses the sender", "give an address that this server lets you use in MAIL_FROM or from="},
	{COMMAND_DATA, 400, 499, "puts off the message", "ask whoever runs that server if it goes on"},
	{COMMAND_DATA, 500, 599, "refuses the message",
	 "the answer says why; senders that cannot be checked are often refused: set MAIL_FROM"},
	{COMMAND_NONE, 400, 499, "does not serve now", "ask whoever runs that server if it goes on"},
	{COMMAND_NONE, 0, 999, "refuses to serve", "check the host and the port, and ask whoever runs that server"},
};

static const struct meaning *find_meaning(enum smtp_command command, int code)
{
	const struct meaning *meaning = meanings;

	while (!((meaning->command == COMMAND_NONE || meaning->command == command) && code >= meaning->least &&
		 code <= meaning->most))
		meaning++;
	return meaning;
}

static int explain_answer(const struct smtp_session *session, const char *said, struct error *error)
{
	const struct meaning *meaning = find_meaning(session->command, session->code);

	error_set(error, ERROR_NETWORK, "%s %s: %s", session->server->place, meaning->meaning, said);
	return error_hint(error, "%s", meaning->hint);
}

/* Nobody was good enough. What to do is said for the last one. */
static int explain_recipients(const struct smtp_session *session, struct error *error)
{
	AUTO_BUF struct buf all = {0};
	int code = 0;

	for (size_t i = 0; i < session->count; i++) {
		const struct recipient *recipient = &session->recipients[i];
		if (recipient->code >= 400)
			code = recipient->code;
		buf_printf(&all, "%s%s (%s)", i ? ", " : "", recipient->address,
			   recipient->said ? recipient->said : "not asked for");
	}
	const struct meaning *meaning = find_meaning(COMMAND_RCPT, code);
	error_set(error, ERROR_NETWORK, "%s %s: %s", session->server->place, meaning->meaning, buf_text(&all));
	return error_hint(error, "%s", meaning->hint);
}

/* Nothing came any more, or not enough of it. */
static int explain_silence(const struct smtp_session *session, struct error *error)
{
	error_set(error, ERROR_NETWORK, "%s did not answer in time: the last step was %s", session->server->place,
		  smtp_command_words[session->command]);
	return error_hint(error, "check the host, and the port: 465 wants TLS from the start (tls=implicit), others STARTTLS; "
				 "or give a longer --notify-timeout");
}

static int explain_tls(const struct smtp_session *session, struct error *error)
{
	if (session->server->tls == SMTP_IMPLICIT) {
		error_set(error, ERROR_NETWORK, "cannot reach %s: it does not speak TLS from the start", session->server->place);
		return error_hint(error, "use port 465, or tls=starttls for the others");
	}
	error_set(error, ERROR_NETWORK, "%s and this machine agree on no TLS connection", session->server->place);
	return error_hint(error, "it has to know TLS 1.2 or newer; ask whoever runs that server");
}

static int explain_no_starttls(const struct smtp_session *session, struct error *error)
{
	error_set(error, ERROR_NETWORK, "%s does not offer STARTTLS: the mail would have gone in the clear",
		  session->server->place);
	return error_hint(error, "use its port for TLS, 465 as a rule, or set up a certificate there; tls=none goes without");
}

static int explain_no_mechanism(const struct smtp_session *session, struct error *error)
{
	error_set(error, ERROR_NETWORK, "%s takes no password in a way that is known here", session->server->place);
	return error_hint(error, "it should offer AUTH PLAIN or LOGIN; unset MAIL_USERNAME if it needs no password");
}

static int explain_connection(const struct smtp_session *session, CURLcode code, struct error *error)
{
	const struct smtp_server *server = session->server;

	transfer_explain(session->curl, code, server->place, session->detail, server->authorities, error);
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
		return -1;
	return error_hint(error, "check the host and the port of the mail server, and whether this machine may connect to it");
}

int smtp_explain(const struct smtp_session *session, CURLcode code, struct error *error)
{
	AUTO_FREE char *said = smtp_said(session);

	if (session->command == COMMAND_RCPT && session->code >= 400)
		return explain_recipients(session, error);
	if (code == CURLE_USE_SSL_FAILED)
		return explain_no_starttls(session, error);
	if (session->code >= 400)
		return explain_answer(session, said, error);
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_ABORTED_BY_CALLBACK:
		return explain_silence(session, error);
	case CURLE_SSL_CONNECT_ERROR:
		return explain_tls(session, error);
	case CURLE_LOGIN_DENIED:
		return explain_no_mechanism(session, error);
	default:
		return explain_connection(session, code, error);
	}
}
