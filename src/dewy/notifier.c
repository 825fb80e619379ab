/* SPDX-License-Identifier: MIT */
#include "dewy/notifier.h"

#include "alloc.h"
#include "document.h"
#include "error.h"
#include "fs.h"
#include "log.h"
#include "notify/relay.h"
#include "proc.h"
#include "time.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { GRACE_MS = 2000, STOPPING_MS = 5000 };

static struct notifier_process *find(struct notifier *notifier, bool busy)
{
	for (size_t i = 0; i < NOTIFIER_PROCESSES; i++)
		if ((notifier->processes[i].pid != 0) == busy)
			return &notifier->processes[i];
	return NULL;
}

/* Returns the document for one more process. What one that is still busy was handed is in the log. */
static char *print(struct notifier *notifier, const cJSON *document)
{
	AUTO_JSON cJSON *copy = find(notifier, true) ? xrequire(cJSON_Duplicate(document, true)) : NULL;
	cJSON *notices = json_get(copy, "notices");

	for (int i = 0; copy && i < notifier->told; i++)
		document_add_sent(cJSON_GetArrayItem(notices, i), NOTICE_LOG);
	return json_print(copy ? copy : document);
}

/* Starts a process, to which others will follow when it is handed the relay, or 0. */
static void start(struct notifier *notifier, const cJSON *document, int relay)
{
	struct notifier_process *process = find(notifier, false);
	AUTO_FREE char *text = print(notifier, document), *program = proc_sibling("dewy-notify"), *variable = relay_variable(relay);
	const char *argv[] = {program, NULL}, *const kept[] = {NULL}, *const added[] = {relay > 0 ? variable : NULL, NULL};
	AUTO_FREE const char **environment = proc_environment(kept, added);
	struct error error;
	AUTO_CLOSE int input = fs_scratch(text, strlen(text), &error);
	AUTO_CLOSE int output = input < 0 ? -1 : fs_scratch("", 0, &error);
	struct proc_spec spec = {
		.argv = argv,
		.environment = environment,
		.in = input,
		.out = output,
		.keep = relay,
		.own_group = true,
	};
	pid_t pid = output < 0 ? -1 : proc_spawn(&spec, &error);

	notifier->told = cJSON_GetArraySize(json_get(document, "notices"));
	if (pid < 0)
		log_warn("Cannot tell anybody", "error", error.message, "hint", error.hint);
	else
		*process = (struct notifier_process){.pid = pid, .output = steal_fd(&output)};
}

/* Copies whom a notice has reached. */
static void merge_notice(cJSON *ours, const cJSON *theirs)
{
	const cJSON *name;

	if (json_true(theirs, "sent"))
		json_set_bool(ours, "sent", true);
	cJSON_ArrayForEach(name, json_get(theirs, "sent_to"))
	{
		if (cJSON_IsString(name))
			document_add_sent(ours, name->valuestring);
	}
}

/* Copies from what dewy-notify printed whom the notices have reached, and the section of the audit record. */
static void merge(struct notifier_process *process, cJSON *document)
{
	AUTO_CLOSE int output = steal_fd(&process->output);
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
		if (ours)
			merge_notice(ours, notice);
	}
	if (json_get(told, "report"))
		json_set(document, "report", cJSON_Duplicate(json_get(told, "report"), true));
}

/* Takes what came of a process when proc_wait says that it is over. Returns true while it is not. */
static bool is_busy(struct notifier_process *process, cJSON *document, int result)
{
	if (result <= 0 && process->pid) {
		process->pid = 0;
		merge(process, document);
	}
	return result > 0;
}

/* Reaps the processes that are telling the document and have ended. */
static void reap(struct notifier *notifier, cJSON *document)
{
	int code;

	for (size_t i = 0; i < NOTIFIER_PROCESSES; i++)
		if (notifier->processes[i].pid)
			is_busy(&notifier->processes[i], document, proc_wait(notifier->processes[i].pid, 0, &code));
}

void notifier_offer(struct notifier *notifier, cJSON *document)
{
	struct error error; /* without a relay, each process says what it could not deliver */

	reap(notifier, document);
	if (cJSON_GetArraySize(json_get(document, "notices")) <= notifier->told || !find(notifier, false))
		return;
	if (notifier->relay <= 0)
		notifier->relay = relay_open(&error);
	start(notifier, document, notifier->relay > 0 ? notifier->relay : 0);
}

void notifier_begin(struct notifier *notifier, cJSON *document)
{
	reap(notifier, document);
	if (!find(notifier, true))
		start(notifier, document, 0);
}

void notifier_stop(struct notifier *notifier, cJSON *document)
{
	if (notifier->relay > 0)
		close(notifier->relay);
	notifier->relay = 0;
	if (!find(notifier, true))
		return;
	if (notifier->exports)
		log_debug("Gave up sending metrics");
	else
		log_warn("Gave up telling what happened");
	for (size_t i = 0; i < NOTIFIER_PROCESSES; i++)
		if (notifier->processes[i].pid)
			kill(-notifier->processes[i].pid, SIGTERM); /* all of them, before the first one is waited for */
	for (size_t i = 0; i < NOTIFIER_PROCESSES; i++) {
		if (notifier->processes[i].pid)
			proc_stop(-notifier->processes[i].pid, GRACE_MS);
		is_busy(&notifier->processes[i], document, 0);
	}
}

/* Brings the deadline closer when a signal asks for the end. */
static void hasten(const struct requests *requests, long long *deadline)
{
	long long most = time_monotonic() + (requests->hurry ? 0 : STOPPING_MS);

	if (requests->stop && *deadline > most)
		*deadline = most;
}

/* Waits for a process, at most until the deadline. */
static void await(struct notifier_process *process, cJSON *document, struct requests *requests, long long *deadline)
{
	int code, result = 0;

	hasten(requests, deadline);
	while (process->pid && (result = proc_wait_or(process->pid, *deadline - time_monotonic(), requests->fd, &code)) == 2) {
		requests_read(requests);
		hasten(requests, deadline);
	}
	is_busy(process, document, result);
}

static void await_all(struct notifier *notifier, cJSON *document, struct requests *requests, long long *deadline)
{
	for (size_t i = 0; i < NOTIFIER_PROCESSES; i++)
		await(&notifier->processes[i], document, requests, deadline);
	notifier_stop(notifier, document);
}

void notifier_wait(struct notifier *notifier, cJSON *document, long long timeout_ms, struct requests *requests)
{
	long long deadline = time_monotonic() + timeout_ms;

	await_all(notifier, document, requests, &deadline);
}

void notifier_finish(struct notifier *notifier, cJSON *document, long long timeout_ms, struct requests *requests)
{
	long long deadline = time_monotonic() + timeout_ms;

	reap(notifier, document);
	if (!find(notifier, false))
		await(&notifier->processes[0], document, requests, &deadline);
	if (notifier->relay > 0)
		relay_end(notifier->relay);
	if (find(notifier, false))
		start(notifier, document, 0);
	await_all(notifier, document, requests, &deadline);
}
