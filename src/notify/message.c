/* SPDX-License-Identifier: MIT */
#include "notify/message.h"

#include "alloc.h"
#include "buf.h"
#include "document.h"
#include "notify/cut.h"
#include "str.h"

#include <ctype.h>
#include <string.h>

enum { PATIENCE = 3 }; /* failures in a row that people are told of */

enum outcome message_outcome(const cJSON *document)
{
	const char *reason = json_string(document, "reason");

	switch (document_state(document)) {
	case STATE_FAILED:
	case STATE_ROLLED_BACK:
		return OUTCOME_BAD;
	case STATE_RUNNING:
		return OUTCOME_GOOD;
	case STATE_DEPLOYED:
		return str_equal(json_string(document, "mode"), "assets") ? OUTCOME_GOOD : OUTCOME_NONE;
	case STATE_UNCHANGED: /* a version that was rolled back is no recovery: what should run does not */
		return reason && strstr(reason, "rejected") ? OUTCOME_NONE : OUTCOME_GOOD;
	default:
		return OUTCOME_NONE;
	}
}

static bool is_kind(const cJSON *notice, const char *kind)
{
	return str_equal(json_string(notice, "kind"), kind);
}

/* Failures are told PATIENCE times. While they go on, each new attempt is no news; what ends well always is. */
static bool is_withheld(const cJSON *notice, enum outcome outcome, long long failures)
{
	long long before = outcome == OUTCOME_BAD ? failures - 1 : failures;

	if (outcome == OUTCOME_GOOD || before <= 0)
		return false;
	return before >= PATIENCE || is_kind(notice, NOTICE_PROGRESS);
}

/* Returns the result of the hook that a notice is about, NULL when it is about none: it begins with the name of the hook. */
static const cJSON *find_hook(const cJSON *document, const cJSON *notice)
{
	const char *text = json_string(notice, "text");
	const cJSON *hook;

	if (!is_kind(notice, NOTICE_HOOK))
		return NULL;
	cJSON_ArrayForEach(hook, json_get(document, "deploy.hooks"))
	{
		const char *name = json_string(hook, "name");
		if (name && str_starts(text, name))
			return hook;
	}
	return NULL;
}

/* True for an error, a hook that failed, and the rollback of a bad release. */
static bool is_bad(const cJSON *notice, const cJSON *hook, enum outcome outcome)
{
	if (hook)
		return json_number(hook, "exit_code", 0) != 0;
	return is_kind(notice, NOTICE_ERROR) || (outcome == OUTCOME_BAD && is_kind(notice, NOTICE_IMPORTANT));
}

/* Appends the hint of what to do, as a sentence of its own, when the notice is about the error of the document. */
static void add_hint(struct buf *text, const cJSON *document, const cJSON *notice)
{
	const char *hint = json_string(document, "error.hint");

	if (!hint || !*hint || !str_equal(json_string(document, "error.stage"), json_string(notice, "stage")))
		return;
	buf_printf(text, "%s %c%s", str_ends(buf_text(text), ".") ? "" : ".", toupper((unsigned char)*hint), hint + 1);
}

/* Turns line breaks into spaces: only dewy itself begins a new line, or what comes from outside could look like a notice. */
static void join_lines(char *text)
{
	while ((text = strpbrk(text, "\r\n")))
		*text = ' ';
}

static char *render(const cJSON *document, const cJSON *notice, enum outcome outcome, long long failures)
{
	const char *text = json_string(notice, "text"), *stage = json_string(notice, "stage");
	AUTO_BUF struct buf rendered = {0};

	if (outcome == OUTCOME_BAD && is_kind(notice, NOTICE_ERROR)) {
		buf_printf(&rendered, "Error occurred (count: %lld): [%s] %s", failures, stage ? stage : "dewy", text);
		add_hint(&rendered, document, notice);
	} else {
		buf_puts(&rendered, text);
	}
	char *line = buf_steal(&rendered);
	join_lines(line);
	return line;
}

static void add(struct message_list *list, cJSON *document, cJSON *notice, long long failures)
{
	enum outcome outcome = message_outcome(document);
	const cJSON *hook = find_hook(document, notice);
	bool bad = is_bad(notice, hook, outcome);

	list->items = xreallocarray(list->items, list->count + 1, sizeof *list->items);
	list->items[list->count++] = (struct message){
		.document = document,
		.notice = notice,
		.text = render(document, notice, outcome, failures),
		.withheld = is_withheld(notice, outcome, failures),
		.hook = hook,
		.bad = bad,
		.important = bad || is_kind(notice, NOTICE_IMPORTANT),
	};
}

/* Returns the new notice: the last of the document, because whoever keeps the document knows its notices by their place. */
static cJSON *add_recovery(cJSON *document, long long failures)
{
	document_notice(document, "notify", NOTICE_IMPORTANT, "Recovered after %lld failure%s", failures, failures == 1 ? "" : "s");
	const cJSON *notices = json_get(document, "notices");
	return cJSON_GetArrayItem(notices, cJSON_GetArraySize(notices) - 1);
}

/* Lets the last of the bad news say that it is the last. */
static void add_end(struct message_list *list)
{
	for (size_t i = list->count; i-- > 0;) {
		struct message *message = &list->items[i];
		if (is_kind(message->notice, NOTICE_ERROR) || is_kind(message->notice, NOTICE_IMPORTANT)) {
			AUTO_FREE char *text = message->text;
			message->text = xasprintf("%s\nNo more errors will be sent until something succeeds.", text);
			return;
		}
	}
}

void message_list_make(struct message_list *list, cJSON *document, long long failures)
{
	enum outcome outcome = message_outcome(document);
	cJSON *recovery = outcome == OUTCOME_GOOD && failures > 0 ? add_recovery(document, failures) : NULL, *notice;

	*list = (struct message_list){0};
	if (recovery)
		add(list, document, recovery, failures);
	cJSON_ArrayForEach(notice, json_get(document, "notices"))
	{
		if (notice != recovery && json_string(notice, "text") && !json_true(notice, "sent"))
			add(list, document, notice, failures);
	}
	if (outcome == OUTCOME_BAD && failures == PATIENCE)
		add_end(list);
}

void message_list_free(struct message_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].text);
	free(list->items);
	*list = (struct message_list){0};
}

static void add_output(struct buf *text, const cJSON *hook, const char *stream, size_t lines, size_t bytes)
{
	const char *output = json_string(hook, stream);
	AUTO_FREE char *cut = output ? message_cut(output, lines, bytes) : NULL;

	if (cut && *cut)
		buf_printf(text, "\n%s:\n%s", stream, cut);
}

char *message_plain(const struct message *message, size_t lines, size_t bytes)
{
	AUTO_BUF struct buf text = {0};

	buf_puts(&text, message->text);
	if (message->hook) {
		buf_printf(&text, "\nexit code: %lld", json_number(message->hook, "exit_code", 0));
		add_output(&text, message->hook, "stdout", lines, bytes);
		add_output(&text, message->hook, "stderr", lines, bytes);
	}
	return buf_steal(&text);
}
