/* SPDX-License-Identifier: MIT */
#include "notify/exec.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "notify/command.h"
#include "notify/cut.h"
#include "root/root.h"
#include "shell.h"
#include "str.h"
#include "time.h"

#include <string.h>
#include <sysexits.h>

enum {
	OUTPUT_LIMIT = 65536, /* bytes that are kept of each stream */
	SHOWN = 400,          /* bytes of the reason */
	RETRIES = 4,
};

/* What may go on in the next word is not understood: that could be the rest of a secret. */
static bool is_quoted(const char *word, size_t length)
{
	return strcspn(word, "'\"`\\") < length;
}

/* True for what may stand before the program: the assignment of a variable, which may be a secret, and exec. */
static bool is_prefix(const char *word, size_t length)
{
	return (memchr(word, '=', length) && !is_quoted(word, length)) || (length == 4 && str_starts(word, "exec"));
}

/* Returns the word of the program, and its length. */
static const char *find_program(const char *command, size_t *ret_length)
{
	static const char space[] = " \t\r\n";

	for (const char *word = command;; word += *ret_length) {
		word += strspn(word, space);
		*ret_length = strcspn(word, space);
		if (!*ret_length || !is_prefix(word, *ret_length))
			return word;
	}
}

static char *place(const struct channel *channel)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+";
	size_t length;
	const char *word = find_program(channel->url.path, &length);
	AUTO_FREE char *program = xstrndup(word, length);
	const char *slash = strrchr(program, '/'), *name = slash ? slash + 1 : program;

	return xstrdup(name[strspn(name, letters)] || is_quoted(program, length) ? "" : name);
}

static int check(const struct channel *channel, struct error *error)
{
	if (channel->url.path[strspn(channel->url.path, " \t\r\n")] == '\0') {
		error_set(error, ERROR_CONFIG, "there is no command in the URL");
		return error_hint(error, "write it as exec:COMMAND, with %%20 for a space and %%3F for a question mark");
	}
	return url_check_parameters(&channel->url, channel_parameters, error);
}

/* Returns 0, or with the error that says how the command ended, as send does (channel.h). */
static int judge(const struct channel *channel, const struct proc_result *result, struct error *error)
{
	AUTO_FREE char *program = place(channel), *said = message_last_line(buf_text(&result->err), SHOWN);
	AUTO_BUF struct buf end = {0};

	if (!result->timed_out && result->exit_code == 0)
		return 0;
	buf_printf(&end, result->timed_out ? "was not done in time" : "ended with exit code %d", result->exit_code);
	error_set(error, ERROR_APPLICATION, "%s %s%s%s", *program ? program : "the command", buf_text(&end), *said ? ": " : "",
		  said);
	if (!result->timed_out && result->exit_code == EX_DATAERR) {
		error_hint(error, "the command says so by that exit code: see there what it wants of a notice");
		return 1;
	}
	if (!result->timed_out && (result->exit_code == 126 || result->exit_code == 127))
		return error_hint(error, "check that the command is there and may be executed");
	return error_hint(error, "run the command by hand in ROOT, with a document of your own on its standard input");
}

/* Runs the command once. Returns 0 with what came of it, or -1. */
static int run(const struct channel *channel, const struct message *message, long long timeout_ms, struct proc_result *ret,
	       struct error *error)
{
	AUTO_ROOT struct root root = {.fd = -1, .state = -1, .releases = -1};
	AUTO_FREE char *input = message_body(message);
	long long grace = command_grace(timeout_ms);
	const struct shell shell = {
		.root = &root,
		.document = message->document,
		.command = channel->url.path,
		.release_dir = json_string(message->document, "deploy.path"),
		.input = input,
		.grace_ms = grace,
	};

	*ret = (struct proc_result){0};
	if (root_look(&root, json_string(message->document, "root"), error))
		return -1;
	return shell_run(&shell, OUTPUT_LIMIT, timeout_ms - grace, ret, error);
}

static int deliver(struct channel *channel, const struct message *message, long long timeout_ms, struct error *error)
{
	long long deadline = time_monotonic() + timeout_ms;

	for (int retry = 0;; retry++) {
		struct proc_result result;
		int failed = run(channel, message, deadline - time_monotonic(), &result, error);
		failed = failed ? failed : judge(channel, &result, error);
		int code = result.timed_out ? EX_SOFTWARE : result.exit_code;
		proc_result_free(&result);
		if (!command_waits(code, retry, RETRIES, deadline))
			return failed;
	}
}

const struct channel_ops exec_channel = {.plain = true, .place = place, .check = check, .send = deliver};
