/* SPDX-License-Identifier: MIT */
#include "notify/message.h"

#include "alloc.h"
#include "buf.h"
#include "document.h"
#include "notify/cut.h"
#include "str.h"

#include <ctype.h>
#include <string.h>

enum { OUTPUT_LINES = 20, OUTPUT_BYTES = 2000 }; /* of each stream of a hook in a text that comes with the whole document */

static const char recovered_after[] = "Recovered after ";

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
	case STATE_UNCHANGED: /* a version that was rolled back is no recovery: what should run does not; nor is an end too early */
		return reason && (strstr(reason, "rejected") || str_equal(reason, "interrupted")) ? OUTCOME_NONE : OUTCOME_GOOD;
	default:
		return OUTCOME_NONE;
	}
}

static bool is_kind(const cJSON *notice, const char *kind)
{
	return str_equal(json_string(notice, "kind"), kind);
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
		.withheld = outcome != OUTCOME_GOOD && failures > (outcome == OUTCOME_BAD) && is_kind(notice, NOTICE_PROGRESS),
		.hook = hook,
		.bad = bad,
		.important = bad || is_kind(notice, NOTICE_IMPORTANT),
	};
}

char *message_recovery(long long failures)
{
	return xasprintf("%s%lld failure%s", recovered_after, failures, failures == 1 ? "" : "s");
}

static bool is_recovery(const cJSON *notice)
{
	const char *text = json_string(notice, "text");

	return text && str_starts(text, recovered_after) && str_equal(json_string(notice, "stage"), "notify");
}

/* Returns the notice of the recovery: the last of the document, because whoever keeps the document knows its notices by their
 * place. */
static cJSON *give_recovery(cJSON *document, long long recovered)
{
	AUTO_FREE char *text = message_recovery(recovered);
	cJSON *notice;

	cJSON_ArrayForEach(notice, json_get(document, "notices"))
	{
		if (is_recovery(notice))
			return notice;
	}
	document_notice(document, "notify", NOTICE_IMPORTANT, "%s", text);
	const cJSON *notices = json_get(document, "notices");
	return cJSON_GetArrayItem(notices, cJSON_GetArraySize(notices) - 1);
}

/* True for a run that put a release in its place which then did not serve. Later runs that only take up the same are not. */
static bool is_urgent(const cJSON *document)
{
	return document_state(document) == STATE_ROLLED_BACK ||
	       (str_equal(json_string(document, "error.stage"), "restart") && json_string(document, "deploy.path") &&
		!json_true(document, "deploy.reused"));
}

static void mark_failure(struct message_list *list)
{
	for (size_t i = list->count; i-- > 0;) {
		struct message *message = &list->items[i];
		message->failure = is_kind(message->notice, NOTICE_ERROR) || is_kind(message->notice, NOTICE_IMPORTANT);
		message->urgent = message->failure && is_urgent(message->document);
		if (message->failure)
			return;
	}
}

void message_list_make(struct message_list *list, cJSON *document, long long failures, long long recovered)
{
	cJSON *recovery = recovered > 0 ? give_recovery(document, recovered) : NULL, *notice;

	*list = (struct message_list){0};
	if (recovery && !json_true(recovery, "sent"))
		add(list, document, recovery, failures);
	cJSON_ArrayForEach(notice, json_get(document, "notices"))
	{
		if (notice != recovery && json_string(notice, "text") && !json_true(notice, "sent"))
			add(list, document, notice, failures);
	}
	for (size_t i = 0; i < list->count; i++)
		list->items[i].recovery = is_recovery(list->items[i].notice);
	if (message_outcome(document) == OUTCOME_BAD)
		mark_failure(list);
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

char *message_body(const struct message *message)
{
	AUTO_JSON cJSON *body = xrequire(cJSON_CreateObject());
	AUTO_FREE char *text = message_plain(message, OUTPUT_LINES, OUTPUT_BYTES);

	json_set_string(body, "text", text);
	xrequire(cJSON_AddItemReferenceToObject(body, "notice", message->notice) ? body : NULL);
	xrequire(cJSON_AddItemReferenceToObject(body, "document", message->document) ? body : NULL);
	return json_print(body);
}

int message_place(const struct message *message)
{
	const cJSON *notice;
	int place = 0;

	cJSON_ArrayForEach(notice, json_get(message->document, "notices"))
	{
		if (notice == message->notice)
			break;
		place++;
	}
	return place;
}

char *message_id(const struct message *message)
{
	return xasprintf("%s-%d", json_string(message->document, "id"), message_place(message));
}
