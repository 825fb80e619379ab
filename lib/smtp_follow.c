/* SPDX-License-Identifier: MIT */
/* libcurl tells the code of the last answer only. What it lets one watch has all of them, and which command each one is to. */
#include "smtp_session.h"

#include "alloc.h"
#include "base64.h"
#include "str.h"
#include "time.h"

#include <ctype.h>
#include <string.h>
#include <sys/socket.h>

enum {
	REPLY_LIMIT = 4096, /* bytes of an answer; the rest is nothing to read */
	SAID_LIMIT = 200,   /* bytes of it in a message */
	QUIT_MS = 1000,     /* how long the answer to QUIT is waited for, which changes nothing; libcurl asks is_over as often */
};

/* An option that libcurl does not take would be a limit that does not hold: it is an error, not a shrug. */
#define SET(option, value) failed |= curl_easy_setopt(curl, option, value) != CURLE_OK

/* Returns the command that the line is; one that is none, such as a further line of AUTH, goes on with the last one. */
static enum smtp_command command_of(const char *line, size_t length, enum smtp_command last)
{
	static const struct {
		const char *word;
		enum smtp_command command;
	} words[] = {
		{"EHLO", COMMAND_EHLO}, {"HELO", COMMAND_EHLO}, {"STARTTLS", COMMAND_STARTTLS}, {"AUTH", COMMAND_AUTH},
		{"MAIL", COMMAND_MAIL}, {"RCPT", COMMAND_RCPT}, {"DATA", COMMAND_DATA},         {"QUIT", COMMAND_QUIT},
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t end = strlen(words[i].word);
		if (length > end && strncmp(line, words[i].word, end) == 0 && strchr(" \r\n", line[end]))
			return words[i].command;
	}
	return last;
}

/* Finds the recipient that the next RCPT is about: libcurl asks in the order of the list. */
static void ask_next(struct smtp_session *session)
{
	do
		session->asked++;
	while (session->asked < session->count && !session->recipients[session->asked].wanted);
}

/* All is said. Where there is no time to wait for an answer, the end of the connection is it. */
static void see_quit(struct smtp_session *session)
{
	session->quit_at = time_monotonic();
	if (session->deadline - session->quit_at < QUIT_MS && session->connection != CURL_SOCKET_BAD)
		shutdown(session->connection, SHUT_RD);
}

static void see_command(struct smtp_session *session, const char *line, size_t length)
{
	enum smtp_command command = command_of(line, length, session->command);

	if (command == COMMAND_QUIT) {
		see_quit(session);
		return;
	}
	session->command = command;
	session->code = 0;
	buf_clear(&session->reply);
	if (command == COMMAND_MAIL)
		session->asked = (size_t)-1;
	else if (command == COMMAND_RCPT)
		ask_next(session);
}

static void hide(struct buf *reply, const char *secret)
{
	size_t length = strlen(secret);
	char *end = reply->data + reply->length;

	for (char *at = reply->data; length && (at = memmem(at, (size_t)(end - at), secret, length)); at += length)
		memset(at, '*', length);
}

/* Servers that are being debugged repeat what they were told: the password, as it is, in base64, and as AUTH PLAIN has it. */
static void hide_password(const struct smtp_session *session, struct buf *reply)
{
	const char *password = session->server->password, *username = session->server->username;
	AUTO_BUF struct buf encoded = {0}, both = {0}, plain = {0};

	if (!password || !reply->length)
		return;
	buf_add(&both, "", 1);
	buf_puts(&both, username);
	buf_add(&both, "", 1);
	buf_puts(&both, password);
	base64_add(&plain, both.data, both.length);
	base64_add(&encoded, password, strlen(password));
	hide(reply, buf_text(&plain));
	hide(reply, buf_text(&encoded));
	hide(reply, password);
}

char *smtp_said(const struct smtp_session *session)
{
	AUTO_BUF struct buf hidden = {0}, said = {0};
	size_t length = session->reply.length;

	while (length && isspace((unsigned char)session->reply.data[length - 1]))
		length--;
	for (size_t i = 0; i < length; i++) /* lines become one, and a zero byte would end it */
		buf_add(&hidden, strchr("\r\n", session->reply.data[i]) ? " " : session->reply.data + i, 1);
	hide_password(session, &hidden);
	str_add_utf8(&said, buf_text(&hidden));
	length = said.length;
	if (length > SAID_LIMIT)
		for (length = SAID_LIMIT; length && ((unsigned char)said.data[length] & 0xc0) == 0x80;)
			length--;
	return xasprintf("%.*s%s", (int)length, buf_text(&said), said.length > length ? "..." : "");
}

/* An answer is complete. */
static void see_reply(struct smtp_session *session)
{
	if (session->command == COMMAND_RCPT && session->asked < session->count) {
		struct recipient *recipient = &session->recipients[session->asked];
		recipient->code = session->code;
		free(recipient->said);
		recipient->said = smtp_said(session);
	}
	if (session->command == COMMAND_DATA && session->code / 100 == 2)
		session->delivered = session->sent == session->content.length;
}

/* The last line of an answer has a space, or nothing, behind its code (RFC 5321, 4.2.1). */
static void see_line(struct smtp_session *session, const char *line, size_t length)
{
	if (session->code)
		buf_clear(&session->reply);
	session->code = 0;
	if (session->reply.length + length < REPLY_LIMIT)
		buf_add(&session->reply, line, length);
	if (length < 4 || !isdigit((unsigned char)line[0]) || !isdigit((unsigned char)line[1]) ||
	    !isdigit((unsigned char)line[2]) || line[3] == '-')
		return;
	session->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
	see_reply(session);
}

static int watch(CURL *curl, curl_infotype type, char *bytes, size_t length, void *context)
{
	struct smtp_session *session = context;

	(void)curl;
	if (type == CURLINFO_TEXT)
		transfer_take_tls(bytes, length, session->tls);
	if (session->quit_at)
		return 0;
	if (type == CURLINFO_HEADER_OUT)
		see_command(session, bytes, length);
	else if (type == CURLINFO_HEADER_IN)
		see_line(session, bytes, length);
	return 0;
}

/* Ends what libcurl would wait two minutes for: the answer to QUIT. */
static int is_over(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct smtp_session *session = context;
	long long now = time_monotonic();

	(void)a, (void)b, (void)c, (void)d;
	return now >= session->deadline || (session->quit_at && now >= session->quit_at + QUIT_MS);
}

/* Of several connections that are tried at once, the last one is the one that counts, or none. */
static int see_open(void *context, curl_socket_t connection, curlsocktype purpose)
{
	struct smtp_session *session = context;

	(void)purpose;
	session->connection = connection;
	return CURL_SOCKOPT_OK;
}

static int see_close(void *context, curl_socket_t connection)
{
	struct smtp_session *session = context;

	if (session->connection == connection)
		session->connection = CURL_SOCKET_BAD;
	return close(connection);
}

int smtp_follow(struct smtp_session *session)
{
	CURL *curl = session->curl;
	int failed = 0;

	session->connection = CURL_SOCKET_BAD;
	SET(CURLOPT_SOCKOPTFUNCTION, see_open);
	SET(CURLOPT_SOCKOPTDATA, session);
	SET(CURLOPT_CLOSESOCKETFUNCTION, see_close);
	SET(CURLOPT_CLOSESOCKETDATA, session);
	SET(CURLOPT_VERBOSE, 1L);
	SET(CURLOPT_DEBUGFUNCTION, watch);
	SET(CURLOPT_DEBUGDATA, session);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, is_over);
	SET(CURLOPT_XFERINFODATA, session);
	return failed;
}
