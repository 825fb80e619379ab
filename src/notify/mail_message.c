/* SPDX-License-Identifier: MIT */
#include "notify/mail_message.h"

#include "alloc.h"
#include "buf.h"
#include "digest.h"
#include "error.h"
#include "mime.h"
#include "notify/cut.h"
#include "proc.h"
#include "time.h"
#include "url.h"

#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

enum {
	RECIPIENTS = 100, /* that every server takes (RFC 5321, 4.5.3.1.8) */
	SUBJECT_BYTES = 200,
	HINT_BYTES = 1000,
	FACT_BYTES = 400, /* of a name, a path or a URL */
	OUTPUT_LINES = 400, /* of each stream of a hook */
	OUTPUT_BYTES = 16384,
	BODY_LINES = 2000,
	BODY_BYTES = 65536,
	TOKEN_BYTES = 64,
	CHANNEL_DIGITS = 8,
	RUN_DIGITS = 16,
};

void mail_free(struct mail *mail)
{
	words_free(&mail->to);
	mailbox_free(&mail->from);
}

static int refuse_count(const struct mail *mail, struct error *error)
{
	if (!mail->to.count) {
		error_set(error, ERROR_CONFIG, "it says nobody who is to get the mail");
		return error_hint(error, "name addresses, with commas between them: mail://HOST/TO,TO or sendmail:TO,TO");
	}
	if (mail->to.count > RECIPIENTS) {
		error_set(error, ERROR_CONFIG, "it names %zu recipients: %d are the most", mail->to.count, RECIPIENTS);
		return error_hint(error, "name a list of mail that has them");
	}
	return 0;
}

int mail_open(struct mail *mail, const struct channel *channel, const char *list, bool local, struct error *error)
{
	const char *to = url_parameter(&channel->url, "to"), *from = url_parameter(&channel->url, "from");
	const char *const lists[] = {list, to};

	*mail = (struct mail){0};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (lists[i] && *lists[i] && mailbox_add_list(&mail->to, lists[i], local, error))
			return -1;
	if (refuse_count(mail, error))
		return -1;
	if (!from || !*from)
		from = proc_variable("MAIL_FROM");
	if (from && mailbox_parse(&mail->from, from, error))
		return error_in(error, url_parameter(&channel->url, "from") ? "from" : "MAIL_FROM");
	return 0;
}

char *mail_host(void)
{
	char name[HOST_NAME_MAX + 1] = "";

	gethostname(name, sizeof name - 1);
	return xstrdup(mailbox_is_domain(name) ? name : "localhost");
}

/* Returns digits of the SHA-256 of the text, in hexadecimal; the caller frees it. */
static char *digest_of(const char *text, int digits)
{
	struct digest *digest = digest_begin("sha256");
	char written[DIGEST_TEXT];

	digest_add(digest, text, strlen(text));
	digest_end(digest, written);
	return xasprintf("%.*s", digits, strchr(written, ':') + 1);
}

/* Returns the id of the run as it may stand in a Message-ID (RFC 5322, 3.6.4): as it is, or when it is none that dewy makes, a
 * digest of it. The caller frees it. */
static char *run_token(const cJSON *document)
{
	const char *id = json_string(document, "id");
	size_t length = 0;

	while (id && (isalnum((unsigned char)id[length]) || id[length] == '-'))
		length++;
	if (length && length <= TOKEN_BYTES && !id[length])
		return xstrdup(id);
	return digest_of(id ? id : "", RUN_DIGITS);
}

/* Returns the Message-ID of the message, or of the root of its thread: the same whenever it is asked for, so that what arrives
 * twice can be known by it. Two channels have two threads, because they need not begin with the same message. The caller frees it.
 */
static char *mail_id(const struct channel *channel, const struct message *message, bool root)
{
	const char *host = json_string(message->document, "host");
	AUTO_FREE char *run = run_token(message->document), *thread = digest_of(channel->name, CHANNEL_DIGITS), *own = mail_host();
	AUTO_FREE char *place = root ? xstrdup("") : xasprintf(".%d", message_place(message));

	return xasprintf("<%s.%s%s@%s>", run, thread, place, host && mailbox_is_domain(host) ? host : own);
}

void mail_note_thread(struct channel *channel, const struct message *message)
{
	if (!channel->thread)
		channel->thread = mail_id(channel, message, true);
}

/* Appends what every mail begins with, and its place in the thread. */
static void add_ids(struct buf *buf, const struct channel *channel, const struct message *message)
{
	AUTO_FREE char *id = mail_id(channel, message, !channel->thread), *root = mail_id(channel, message, true);

	buf_printf(buf, "Message-ID: %s\n", id);
	if (channel->thread)
		buf_printf(buf, "In-Reply-To: %s\nReferences: %s\n", root, root);
}

/* The subject is the first line of the text, after the parameter subject, or else after what it is about. */
static void add_subject(struct buf *buf, const struct channel *channel, const struct message *message)
{
	const char *prefix = url_parameter(&channel->url, "subject");
	const char *app = json_string(message->document, "app"), *host = json_string(message->document, "host");
	AUTO_FREE char *about = xasprintf("[%s on %s]", app ? app : "dewy", host ? host : "localhost");
	AUTO_FREE char *line = xstrndup(message->text, strcspn(message->text, "\r\n"));
	AUTO_FREE char *first = message_cut(line, 1, SUBJECT_BYTES);
	AUTO_FREE char *where = message_cut(about, SIZE_MAX, SUBJECT_BYTES);
	AUTO_FREE char *subject = xasprintf("%s%s%s", prefix ? prefix : where, prefix && !*prefix ? "" : " ", first);

	mime_add_text(buf, "Subject", subject);
}

/* Nobody answers a program, and no program does (RFC 3834; Exchange knows the X- field only). */
static void add_headers(struct buf *buf, const struct mail *mail, const struct channel *channel, const struct message *message)
{
	mime_add_date(buf, (time_t)(time_now() / 1000));
	if (mail->from.address)
		mime_add_mailbox(buf, "From", mail->from.name, mail->from.address);
	mime_add_list(buf, "To", ",\n ", words_list(&mail->to));
	add_subject(buf, channel, message);
	add_ids(buf, channel, message);
	buf_puts(buf, "Auto-Submitted: auto-generated\n"
		      "X-Auto-Response-Suppress: All\n"
		      "MIME-Version: 1.0\n"
		      "Content-Type: text/plain; charset=utf-8\n"
		      "Content-Transfer-Encoding: quoted-printable\n\n");
}

static void add_fact(struct buf *buf, const char *name, const char *value)
{
	AUTO_FREE char *whole = mime_line(value ? value : ""), *line = message_cut(whole, 1, FACT_BYTES);

	if (*line)
		buf_printf(buf, "%-10s%s\n", name, line);
}

/* Appends where it happened, and to what. */
static void add_facts(struct buf *buf, const cJSON *document)
{
	const char *registry = json_string(document, "registry");
	AUTO_FREE char *public = registry ? url_public(registry) : NULL;

	add_fact(buf, "host:", json_string(document, "host"));
	add_fact(buf, "app:", json_string(document, "app"));
	add_fact(buf, "root:", json_string(document, "root"));
	add_fact(buf, "version:", json_string(document, "release.version"));
	add_fact(buf, "before:", json_string(document, "previous.version"));
	add_fact(buf, "registry:", public);
	add_fact(buf, "run:", json_string(document, "id"));
}

/* Appends what to do, unless the text has it. */
static void add_hint(struct buf *buf, const struct message *message)
{
	const char *hint = json_string(message->document, "error.hint");

	if (!message->bad || !hint || !*hint || strstr(message->text, hint + 1))
		return;
	AUTO_FREE char *cut = message_cut(hint, SIZE_MAX, HINT_BYTES);
	buf_printf(buf, "\nWhat to do: %s\n", cut);
}

char *mail_write(const struct mail *mail, const struct channel *channel, const struct message *message)
{
	AUTO_FREE char *plain = message_plain(message, OUTPUT_LINES, OUTPUT_BYTES);
	AUTO_FREE char *text = message_cut(plain, BODY_LINES, BODY_BYTES);
	AUTO_BUF struct buf body = {0}, written = {0};

	buf_printf(&body, "%s\n", text);
	add_hint(&body, message);
	buf_puts(&body, "\n");
	add_facts(&body, message->document);
	AUTO_FREE char *lines = mime_lines(buf_text(&body));
	add_headers(&written, mail, channel, message);
	mime_add_quoted_printable(&written, lines);
	return buf_steal(&written);
}
