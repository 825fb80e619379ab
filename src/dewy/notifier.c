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

enum { GRACE_MS = 1000, STOPPING_MS = 5000 };

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

/* Takes what came of the busy process when proc_wait says that it is over. Returns true while it is not. */
static bool is_busy(struct notifier *notifier, cJSON *document, int result)
{
	if (result <= 0 && notifier->pid) {
		notifier->pid = 0;
		merge(notifier, document);
	}
	return result > 0;
}

int notifier_tend(struct notifier *notifier, cJSON *document)
{
	int code, result = notifier->pid ? proc_wait(notifier->pid, 0, &code) : 0;

	return is_busy(notifier, document, result) ? proc_pidfd(notifier->pid) : -1;
}

void notifier_offer(struct notifier *notifier, cJSON *document)
{
	AUTO_CLOSE int busy = notifier_tend(notifier, document);

	if (cJSON_GetArraySize(json_get(document, "notices")) > notifier->told && !notifier->pid)
		start(notifier, document);
}

void notifier_begin(struct notifier *notifier, cJSON *document)
{
	AUTO_CLOSE int busy = notifier_tend(notifier, document);

	if (!notifier->pid)
		start(notifier, document);
}

void notifier_stop(struct notifier *notifier, cJSON *document)
{
	if (!notifier->pid)
		return;
	log_warn("Gave up telling what happened");
	proc_stop(-notifier->pid, GRACE_MS);
	notifier->pid = 0;
	merge(notifier, document);
}

/* Brings the deadline closer when a signal asks for the end. */
static void hasten(const struct requests *requests, long long *deadline)
{
	long long most = time_monotonic() + (requests->hurry ? 0 : STOPPING_MS);

	if (requests->stop && *deadline > most)
		*deadline = most;
}

/* Waits for the busy process. Returns false when there is none any more, true when it still runs at the deadline. */
static bool await(struct notifier *notifier, cJSON *document, struct requests *requests, long long *deadline)
{
	int code, result = 0;

	hasten(requests, deadline);
	while (notifier->pid && (result = proc_wait_or(notifier->pid, *deadline - time_monotonic(), requests->fd, &code)) == 2) {
		requests_read(requests);
		hasten(requests, deadline);
	}
	return is_busy(notifier, document, result);
}

void notifier_finish(struct notifier *notifier, cJSON *document, long long timeout_ms, struct requests *requests)
{
	long long deadline = time_monotonic() + timeout_ms;
	bool told = false;

	while (!await(notifier, document, requests, &deadline)) {
		if (told)
			return;
		start(notifier, document);
		told = true;
	}
	notifier_stop(notifier, document);
}

void notifier_wait(struct notifier *notifier, cJSON *document, long long timeout_ms, struct requests *requests)
{
	long long deadline = time_monotonic() + timeout_ms;

	if (await(notifier, document, requests, &deadline))
		notifier_stop(notifier, document);
}
