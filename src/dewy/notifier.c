/* SPDX-License-Identifier: MIT */
#include "dewy/notifier.h"

#include "alloc.h"
#include "document.h"
#include "error.h"
#include "fs.h"
#include "log.h"
#include "proc.h"
#include "time.h"

#include <string.h>
#include <unistd.h>

enum { GRACE_MS = 1000 };

static void start(struct notifier *notifier, const cJSON *document)
{
	AUTO_FREE char *text = json_print(document), *program = proc_sibling("dewy-notify");
	const char *argv[] = {program, NULL};
	struct error error;
	AUTO_CLOSE int input = fs_scratch(text, strlen(text), &error);
	AUTO_CLOSE int output = input < 0 ? -1 : fs_scratch("", 0, &error);
	struct proc_spec spec = {.argv = argv, .in = input, .out = output, .own_group = true};

	notifier->told = cJSON_GetArraySize(json_get(document, "notices"));
	notifier->pid = output < 0 ? -1 : proc_spawn(&spec, &error);
	if (notifier->pid < 0) {
		log_warn("Cannot tell anybody", "error", error.message, "hint", error.hint);
		notifier->pid = 0;
		return;
	}
	notifier->output = steal_fd(&output);
}

/* Copies from what dewy-notify printed which notices were sent, and the section of the audit record. */
static void merge(struct notifier *notifier, cJSON *document)
{
	AUTO_CLOSE int output = steal_fd(&notifier->output);
	AUTO_BUF struct buf text = {0};
	struct error error;
	cJSON *notice;
	int index = 0;

	if (lseek(output, 0, SEEK_SET) || buf_read(&text, output, DOCUMENT_LIMIT))
		return;
	AUTO_JSON cJSON *told = document_parse(buf_text(&text), text.length, &error);
	cJSON_ArrayForEach(notice, json_get(told, "notices"))
	{
		cJSON *ours = cJSON_GetArrayItem(json_get(document, "notices"), index++);
		if (ours && json_true(notice, "sent"))
			json_set_bool(ours, "sent", true);
	}
	if (json_get(told, "report"))
		json_set(document, "report", cJSON_Duplicate(json_get(told, "report"), true));
}

/* Waits for the busy process. Returns 0 when there is none any more, else what proc_wait_or does. */
static int await(struct notifier *notifier, cJSON *document, long long timeout_ms, int signals)
{
	int code, result = notifier->pid ? proc_wait_or(notifier->pid, timeout_ms, signals, &code) : 0;

	if (result <= 0 && notifier->pid) {
		notifier->pid = 0;
		merge(notifier, document);
	}
	return result > 0 ? result : 0;
}

void notifier_offer(struct notifier *notifier, cJSON *document)
{
	if (cJSON_GetArraySize(json_get(document, "notices")) > notifier->told && await(notifier, document, 0, -1) == 0)
		start(notifier, document);
}

void notifier_finish(struct notifier *notifier, cJSON *document, long long timeout_ms, int signals)
{
	long long deadline = time_monotonic() + timeout_ms;
	bool told = false;

	while (await(notifier, document, deadline - time_monotonic(), signals) == 0) {
		if (told)
			return;
		start(notifier, document);
		told = true;
	}
	log_warn("Gave up telling what happened");
	proc_stop(-notifier->pid, GRACE_MS);
	notifier->pid = 0;
	merge(notifier, document);
}
