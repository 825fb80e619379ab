/* SPDX-License-Identifier: MIT */
#include "smtp.h"

#include "alloc.h"
#include "error.h"
#include "log.h"
#include "smtp_session.h"
#include "str.h"
#include "time.h"
#include "transfer.h"

#include <string.h>

enum {
	RETRIES = 6,
	RETRIES_OF_REST = 2, /* once somebody has the mail, the others hold up what comes after it no longer than that */
};

#if LIBCURL_VERSION_NUM < 0x080200
#define CURLOPT_MAIL_RCPT_ALLOWFAILS CURLOPT_MAIL_RCPT_ALLLOWFAILS
#endif

/* An option that libcurl does not take would be a limit that does not hold: it is an error, not a shrug. */
#define SET(option, value) failed |= curl_easy_setopt(session->curl, option, value) != CURLE_OK

static size_t give(char *bytes, size_t one, size_t most, void *context)
{
	struct smtp_session *session = context;
	size_t left = session->content.length - session->sent, length = one * most < left ? one * most : left;

	memcpy(bytes, session->content.data + session->sent, length);
	session->sent += length;
	return length;
}

/* Nobody reads a body: SMTP has none. */
static size_t drop(char *bytes, size_t one, size_t length, void *context)
{
	(void)bytes, (void)context;
	return one * length;
}

/* The connection ends with the attempt, so that nothing is waited for behind it. */
static int set_connection(struct smtp_session *session)
{
	const struct smtp_server *server = session->server;
	AUTO_FREE char *url = xasprintf("%s://%s/%s", server->tls == SMTP_IMPLICIT ? "smtps" : "smtp", server->place, server->name);
	int failed = 0;

	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	SET(CURLOPT_USE_SSL, (long)(server->tls == SMTP_CLEAR ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	SET(CURLOPT_FORBID_REUSE, 1L);
	if (server->direct)
		SET(CURLOPT_NOPROXY, "*");
	if (server->username) {
		SET(CURLOPT_USERNAME, server->username);
		SET(CURLOPT_PASSWORD, server->password);
	}
	return failed;
}

static int set_mail(struct smtp_session *session)
{
	int failed = 0;

	SET(CURLOPT_MAIL_FROM, session->mail->from);
	SET(CURLOPT_MAIL_RCPT, session->to);
	SET(CURLOPT_MAIL_RCPT_ALLOWFAILS, 1L);
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)session->content.length);
	SET(CURLOPT_READFUNCTION, give);
	SET(CURLOPT_READDATA, session);
	SET(CURLOPT_WRITEFUNCTION, drop);
	SET(CURLOPT_ERRORBUFFER, session->detail);
	return failed;
}

/* Forgets what the attempt before has left, and chooses who is asked for: all, or those who were refused for the moment. */
static void begin(struct smtp_session *session)
{
	curl_slist_free_all(steal_pointer(&session->to));
	for (size_t i = 0; i < session->count; i++) {
		struct recipient *recipient = &session->recipients[i];
		recipient->wanted = !recipient->taken && recipient->code / 100 != 5;
		if (recipient->wanted) {
			session->to = xrequire(curl_slist_append(session->to, recipient->address));
			recipient->code = 0;
		}
	}
	session->sent = 0;
	session->command = COMMAND_NONE;
	session->code = 0;
	session->delivered = false;
	session->quit_at = 0;
	session->detail[0] = session->tls[0] = '\0';
	session->started_at = time_monotonic();
	session->attempt++;
	buf_clear(&session->reply);
}

static int setup(struct smtp_session *session, struct error *error)
{
	CURL *curl = session->curl;

	curl_easy_reset(curl);
	if (transfer_set_trust(curl, session->server->authorities, session->server->tls != SMTP_CLEAR) ||
	    transfer_set_time(curl, session->deadline) || set_connection(session) || set_mail(session) || smtp_follow(session))
		return transfer_lacks_option(error);
	return 0;
}

/* Prints a line of the attempt. Answers to AUTH may repeat who logs in. */
static void log_attempt(const struct smtp_session *session, CURLcode code)
{
	AUTO_FREE char *said = smtp_said(session), *status = xasprintf("%d", session->code);
	AUTO_FREE char *number = xasprintf("%d", session->attempt);
	AUTO_BUF struct buf address = {0}, duration = {0};

	transfer_add_address(session->curl, &address);
	str_add_duration(&duration, time_monotonic() - session->started_at);
	log_debug("SMTP dialogue", "server", session->server->place, "step", smtp_command_words[session->command],
		  "status", session->code ? status : NULL, "answer", session->command != COMMAND_AUTH && *said ? said : NULL,
		  "error", session->delivered ? NULL : curl_easy_strerror(code), "duration", buf_text(&duration),
		  "attempt", number, "address", address.length ? address.data : NULL, "tls", *session->tls ? session->tls : NULL);
}

/* Makes one attempt. Returns 0 with its code, or -1 when it could not be set up. */
static int attempt(struct smtp_session *session, CURLcode *ret_code, struct error *error)
{
	begin(session);
	if (setup(session, error))
		return -1;
	*ret_code = curl_easy_perform(session->curl);
	curl_easy_setopt(session->curl, CURLOPT_ERRORBUFFER, NULL);
	for (size_t i = 0; i < session->count; i++) {
		struct recipient *recipient = &session->recipients[i];
		recipient->taken |= session->delivered && recipient->wanted && recipient->code / 100 == 2;
	}
	if (log_enabled(LOG_DEBUG))
		log_attempt(session, *ret_code);
	return 0;
}

/* True when somebody may still be reached: the server is to be tried again, or a recipient is. */
static bool is_worth_retrying(const struct smtp_session *session, CURLcode code)
{
	bool refused = session->code >= 400;

	if (!session->delivered && session->command != COMMAND_RCPT)
		return refused ? session->code < 500 : transfer_is_passing(code);
	for (size_t i = 0; i < session->count; i++) {
		const struct recipient *recipient = &session->recipients[i];
		if (recipient->wanted && !recipient->taken && recipient->code / 100 != 5)
			return true;
	}
	return false;
}

static bool is_taken(const struct smtp_session *session)
{
	bool taken = false;

	for (size_t i = 0; i < session->count; i++)
		taken |= session->recipients[i].taken;
	return taken;
}

/* Makes attempts until one is final: it succeeded, is not worth a retry, or there is no retry or no time left. Fills in the error
 * for the last one; but one that only was too late to be answered says less than those before. */
static void attempt_until_done(struct smtp_session *session, struct error *error)
{
	for (int retry = 0;; retry++) {
		CURLcode code;
		if (attempt(session, &code, error))
			return;
		bool late = code == CURLE_OPERATION_TIMEDOUT || code == CURLE_ABORTED_BY_CALLBACK;
		if (!session->delivered && (retry == 0 || !late))
			smtp_explain(session, code, error);
		if (retry >= (is_taken(session) ? RETRIES_OF_REST : RETRIES) || !is_worth_retrying(session, code))
			return;
		long long pause = transfer_pause(retry);
		if (pause >= session->deadline - time_monotonic())
			return;
		time_sleep(pause);
	}
}

/* Appends who did not take it. */
static void add_refused(const struct smtp_session *session, struct buf *refused)
{
	for (size_t i = 0; i < session->count; i++) {
		const struct recipient *recipient = &session->recipients[i];
		if (!recipient->taken)
			buf_printf(refused, "%s%s (%s)", refused->length ? ", " : "", recipient->address,
				   recipient->said ? recipient->said : "no answer");
	}
}

/* Lines of mail end in CRLF. */
static void add_content(struct buf *content, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		buf_add(content, text, length);
		buf_puts(content, "\r\n");
		text += length + (text[length] == '\n');
	}
}

static void open_session(struct smtp_session *session)
{
	while (session->mail->to[session->count])
		session->count++;
	session->recipients = xcalloc(session->count, sizeof *session->recipients);
	for (size_t i = 0; i < session->count; i++)
		session->recipients[i].address = session->mail->to[i];
	add_content(&session->content, session->mail->content);
	session->curl = xrequire(curl_easy_init());
}

static void close_session(struct smtp_session *session)
{
	curl_easy_cleanup(session->curl);
	curl_slist_free_all(session->to);
	for (size_t i = 0; i < session->count; i++)
		free(session->recipients[i].said);
	free(session->recipients);
	buf_free(&session->content);
	buf_free(&session->reply);
}

int smtp_send(const struct smtp_server *server, const struct smtp_mail *mail, struct buf *refused, struct error *error)
{
	struct smtp_session session = {.server = server, .mail = mail, .deadline = time_monotonic() + mail->timeout_ms};

	open_session(&session);
	attempt_until_done(&session, error);
	bool taken = is_taken(&session);
	if (taken)
		add_refused(&session, refused);
	close_session(&session);
	return taken ? 0 : -1;
}
