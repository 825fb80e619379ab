/* SPDX-License-Identifier: MIT */
#include "deploy/hook.h"

#include "alloc.h"
#include "error.h"
#include "log.h"
#include "proc.h"
#include "redact.h"
#include "shell.h"
#include "str.h"
#include "time.h"

enum { OUTPUT_LIMIT = 65536 }; /* bytes that are kept of each stream */

/* A program may print any bytes, and JSON is UTF-8. */
static void keep_output(cJSON *hook, const char *member, const struct buf *output)
{
	AUTO_BUF struct buf text = {0};

	str_add_utf8(&text, buf_text(output));
	json_set_string(hook, member, buf_text(&text));
}

/* began is in milliseconds since the epoch. */
static void record(struct stage_run *run, const char *name, const char *command, long long began, const struct proc_result *result)
{
	cJSON *hooks = json_get(run->document, "deploy.hooks"), *hook = xrequire(cJSON_CreateObject());
	AUTO_BUF struct buf duration = {0}, clean = {0};
	char started_at[TIME_TEXT];

	str_add_duration(&duration, result->duration_ms);
	json_set_string(hook, "name", name);
	json_set_string(hook, "command", redact(command, &clean));
	json_set_string(hook, "started_at", time_format_ms(began, started_at));
	json_set_number(hook, "exit_code", result->exit_code);
	json_set_number(hook, "duration_ms", result->duration_ms);
	keep_output(hook, "stdout", &result->out);
	keep_output(hook, "stderr", &result->err);
	if (!hooks) {
		hooks = xrequire(cJSON_CreateArray());
		json_set(run->document, "deploy.hooks", hooks);
	}
	cJSON_AddItemToArray(hooks, hook);
	document_notice(run->document, "deploy", NOTICE_HOOK, "%s hook %s in %s: %s", name,
			result->timed_out ? "timed out" : result->exit_code ? "failed" : "succeeded", buf_text(&duration), command);
	log_info("Execute hook", "command", command, "stdout", buf_text(&result->out), "stderr", buf_text(&result->err), "duration",
		 buf_text(&duration));
}

static void report_failure(const char *name, const struct proc_result *result, const struct error *error)
{
	AUTO_FREE char *code = xasprintf("%d", result->exit_code);

	log_error(str_equal(name, "before-deploy") ? "Before deploy hook failure" : "After deploy hook failure", "error",
		  error->message, "exit_code", code);
}

int hook_run(struct stage_run *run, const char *name, const char *release_dir, struct error *error)
{
	bool before = str_equal(name, "before-deploy");
	const char *command = option_string(run->options, before ? OPT_BEFORE_DEPLOY_HOOK : OPT_AFTER_DEPLOY_HOOK);
	struct shell shell = {.root = run->root, .document = run->document, .command = command, .release_dir = release_dir};
	struct proc_result result = {0};
	long long began = time_now();

	if (!command)
		return 0;
	int failed = shell_run(&shell, OUTPUT_LIMIT, option_number(run->options, OPT_HOOK_TIMEOUT), &result, error);
	if (failed) {
		result.exit_code = 127;
		buf_puts(&result.err, error->message);
	} else if (result.timed_out) {
		failed = error_set(error, ERROR_HOOK, "the %s hook timed out", name);
	} else if (result.exit_code) {
		failed = error_set(error, ERROR_HOOK, "the %s hook failed with exit code %d", name, result.exit_code);
	}
	record(run, name, command, began, &result);
	if (failed)
		report_failure(name, &result, error);
	proc_result_free(&result);
	return failed ? 1 : 0;
}
