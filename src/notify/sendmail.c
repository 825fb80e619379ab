/* SPDX-License-Identifier: MIT */
#include "notify/sendmail.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "fs.h"
#include "notify/command.h"
#include "notify/cut.h"
#include "notify/mail_message.h"
#include "proc.h"
#include "secrets.h"
#include "time.h"

#include <string.h>
#include <sysexits.h>

enum {
	RETRIES = 6,
	OUTPUT_LIMIT = 16384,
	SAID_LIMIT = 200,
};

static char *place(const struct channel *channel)
{
	return xstrndup(channel->url.path, strcspn(channel->url.path, ","));
}

/* Returns the program, NULL when there is none; the caller frees it. The PATH that cron gives does not have its directory. */
static char *find_program(void)
{
	static const char *const places[] = {"/usr/sbin/sendmail", "/usr/lib/sendmail"};
	char *found = proc_find("sendmail");

	for (size_t i = 0; !found && i < sizeof places / sizeof *places; i++)
		if (access(places[i], X_OK) == 0)
			found = xstrdup(places[i]);
	return found;
}

static int refuse_missing(struct error *error)
{
	error_set(error, ERROR_CONFIG, "there is no program sendmail in PATH or /usr/sbin");
	return error_hint(error,
			  "install a mail server that brings it, such as postfix, exim4 or msmtp-mta, or use mail://HOST/TO");
}

static int open_mail(struct mail *mail, const struct channel *channel, struct error *error)
{
	static const char *const parameters[] = {"from", "subject", "to", "quiet", NULL};

	*mail = (struct mail){0};
	return url_check_parameters(&channel->url, parameters, error) || mail_open(mail, channel, channel->url.path, true, error)
		       ? -1
		       : 0;
}

static int check(const struct channel *channel, struct error *error)
{
	AUTO_FREE char *program = find_program();
	AUTO_MAIL struct mail mail = {0};

	if (open_mail(&mail, channel, error))
		return -1;
	return program ? 0 : refuse_missing(error);
}

/* What sysexits.h calls the end of a program. */
static const char *hint_for(int exit_code)
{
	switch (exit_code) {
	case EX_NOUSER:
	case EX_NOHOST:
		return "check the address: this machine's mail server does not know it";
	case EX_NOPERM:
		return "let this user send mail, and from the address in MAIL_FROM or from=";
	case EX_TEMPFAIL:
		return "see in the log of this machine's mail server what it waits for";
	default:
		return "try it by hand, and read the log of this machine's mail server; a unit of systemd needs ReadWritePaths= "
		       "for its spool, or mail://localhost/TO?tls=none instead";
	}
}

static int explain(const struct proc_result *result, struct error *error)
{
	AUTO_FREE char *said = message_last_line(buf_text(result->err.length ? &result->err : &result->out), SAID_LIMIT);

	if (result->timed_out)
		error_set(error, ERROR_NETWORK, "sendmail did not end in time%s%s", *said ? ": " : "", said);
	else
		error_set(error, ERROR_NETWORK, "sendmail failed with exit code %d%s%s", result->exit_code, *said ? ": " : "",
			  said);
	return error_hint(error, "%s", hint_for(result->timed_out ? EX_SOFTWARE : result->exit_code));
}

/* Runs the program within the time, its end by force included. Returns its exit code, or -1. */
static int run(const char *const *argv, const char *content, long long timeout_ms, struct error *error)
{
	static const char *const nothing[] = {NULL};
	AUTO_FREE const char **environment = proc_environment(secret_variables, nothing);
	AUTO_CLOSE int in = fs_scratch(content, strlen(content), error);
	const struct proc_spec spec = {
		.argv = argv,
		.environment = environment,
		.in = in,
		.grace_ms = command_grace(timeout_ms),
	};
	struct proc_result result = {0};

	if (in < 0 || proc_run(&spec, OUTPUT_LIMIT, timeout_ms - spec.grace_ms, &result, error))
		return -1;
	int code = result.timed_out ? EX_SOFTWARE : result.exit_code;
	if (code)
		explain(&result, error);
	proc_result_free(&result);
	return code;
}

/* Runs it until it takes the message, or finds it wrong, or the time is over. Returns 0 or -1. */
static int run_until_taken(const char *const *argv, const char *content, long long timeout_ms, struct error *error)
{
	long long deadline = time_monotonic() + timeout_ms;

	for (int retry = 0;; retry++) {
		int code = run(argv, content, deadline - time_monotonic(), error);
		if (!command_waits(code, retry, RETRIES, deadline))
			return code ? -1 : 0;
	}
}

/* -i: a line with a dot alone does not end the message. What stands behind -- is no option, whatever it looks like. */
static void add_arguments(struct words *words, const char *program, const struct mail *mail)
{
	words_add(words, program);
	words_add(words, "-i");
	if (mail->from.address) {
		words_add(words, "-f");
		words_add(words, mail->from.address);
	}
	words_add(words, "--");
	words_add_all(words, "", words_list(&mail->to));
}

static int submit(struct channel *channel, const struct message *message, long long timeout_ms, struct error *error)
{
	AUTO_FREE char *program = find_program();
	AUTO_MAIL struct mail mail = {0};
	AUTO_WORDS struct words argv = {0};

	if (open_mail(&mail, channel, error))
		return -1;
	if (!program)
		return refuse_missing(error);
	add_arguments(&argv, program, &mail);
	AUTO_FREE char *content = mail_write(&mail, channel, message);
	if (run_until_taken(words_list(&argv), content, timeout_ms, error))
		return -1;
	mail_note_thread(channel, message);
	return 0;
}

const struct channel_ops sendmail_channel = {.plain = true, .place = place, .check = check, .send = submit};
