/* SPDX-License-Identifier: MIT */
#include "dewy/cycle.h"

#include "alloc.h"
#include "dewy/record.h"
#include "dewy/step.h"
#include "dewy/turn.h"
#include "document.h"
#include "error.h"
#include "log.h"
#include "metrics/record.h"
#include "notify/counter.h"
#include "notify/message.h"
#include "proc.h"
#include "restart/ready.h"
#include "restart/settings.h"
#include "root/history_line.h"
#include "root/release.h"
#include "str.h"

#include <unistd.h>

enum {
	NOTIFY_MARGIN_MS = 5000,
	TOLD_REFUSALS = 3, /* runs in a row that could not begin */
};

int cycle_begin(struct cycle *cycle, const struct options *options, const char *mode, struct root *root, struct error *error)
{
	*cycle = (struct cycle){.options = options, .root = root, .requests = {.fd = -1}, .exporter = {.exports = true}};
	cycle->mode = mode ? mode : restart_mode(options);
	if (restart_check_kind(options, cycle->mode, error) || restart_check(options, error) ||
	    root_open(root, option_string(options, OPT_ROOT), error) || option_export(options, error))
		return -1;
	return requests_open(&cycle->requests, error);
}

/* Returns how long dewy-notify may take before it is given up, in milliseconds. */
static long long notify_time(const struct cycle *cycle)
{
	return option_number(cycle->options, OPT_NOTIFY_TIMEOUT) + NOTIFY_MARGIN_MS;
}

void cycle_end(struct cycle *cycle)
{
	if (cycle->options && !cycle->requests.stop) /* else it has not begun, or is to end */
		notifier_wait(&cycle->exporter, cycle->document, notify_time(cycle), &cycle->requests);
	notifier_stop(&cycle->exporter, cycle->document);
	if (cycle->options)
		sweeper_end(&cycle->sweeper, option_number(cycle->options, OPT_STAGE_TIMEOUT), &cycle->requests);
	requests_close(&cycle->requests);
	cJSON_Delete(cycle->document);
	cycle->document = NULL;
}

/* What the pipe is made of. */
static const struct step steps[] = {
	{.program = "dewy-fetch", .stage = "fetch", .acts_on = STATE_AVAILABLE, .may_be_abandoned = true},
	{.program = "dewy-deploy", .stage = "deploy", .acts_on = STATE_FETCHED},
	{.program = "dewy-restart", .stage = "restart", .acts_on = STATE_DEPLOYED, .server_only = true},
};

static const struct step check_step = {.program = "dewy-check", .stage = "check", .may_be_abandoned = true};
static const struct step rollback_step = {.program = "dewy-deploy", .stage = "deploy", .goes_back = true};
static const struct step stop_step = {.program = "dewy-serve", .stage = "stop"};

static cJSON *new_document(const struct cycle *cycle)
{
	return document_new(cycle->root, option_string(cycle->options, OPT_APP), cycle->mode);
}

/* True when somebody asked for a rollback that cannot be: whoever did hears of it, and nobody else. */
static bool is_mistake(const struct cycle *cycle)
{
	return cycle->rollback && str_equal(json_string(cycle->document, "error.code"), error_word(ERROR_USAGE));
}

/* Tells the history how it ended, where no stage does. */
static void record(const struct cycle *cycle)
{
	AUTO_JSON cJSON *line = is_mistake(cycle) ? NULL : history_line(cycle->root, cycle->document);

	if (line)
		record_lines(cycle->root, line);
}

/* Makes the document a failed one, for a stage that could not do so itself. */
static void fail(struct cycle *cycle, const char *stage, const struct error *error)
{
	document_fail(cycle->document, stage, error);
	log_error(error->message, "stage", stage, "hint", error->hint);
	record(cycle);
}

/* Runs a stage and replaces the document by what it made of it. */
static void advance(struct cycle *cycle, const struct step *step, int lock)
{
	AUTO_FREE char *text = cycle->document ? json_print(cycle->document) : xstrdup("");
	cJSON *next = NULL;
	struct error error;

	if (step_run(cycle, step, lock, text, &next, &error) == 0) {
		cJSON_Delete(cycle->document);
		cycle->document = next;
		if (step == &check_step && document_state(next) == STATE_FAILED)
			record(cycle); /* a check changes nothing in ROOT */
		return;
	}
	if (!cycle->document)
		cycle->document = new_document(cycle);
	if (step_is_abandoned(cycle, step)) {
		log_info("Interrupted", "stage", step->stage);
		document_set_state(cycle->document, STATE_UNCHANGED, "interrupted");
		return;
	}
	fail(cycle, step->stage, &error);
}

/* True unless the step is for servers only, and the document for assets. */
static bool is_for_mode(const struct cycle *cycle, const struct step *step)
{
	return !step->server_only || !str_equal(json_string(cycle->document, "mode"), "assets");
}

/* True when a finished document has something to tell, or is the end of errors that people have not been told are over. */
static bool is_worth_telling(const struct cycle *cycle)
{
	return json_get(cycle->document, "notices") ||
	       (counter_read(cycle->root, NULL) > 0 && message_outcome(cycle->document) != OUTCOME_NONE);
}

/* Returns 0 unless the switch of current would lead to a server that cannot be restarted. The first release may have to be there
 * before its server can run, and a supervisor may run only later, but nobody goes back to a release for nothing. */
static int check_server(const struct cycle *cycle, struct error *error)
{
	enum restart_kind kind = restart_kind(cycle->options);
	char current[RELEASE_NAME];
	int missing = release_current(cycle->root, current, error);
	AUTO_JSON cJSON *record = missing ? NULL : release_record(cycle->root, current);
	const char *mode = cycle->rollback ? json_string(record, "mode") : json_string(cycle->document, "mode");

	if (missing < 0)
		return -1;
	if (!str_equal(mode, "server") || (kind == RESTART_SUPERVISOR && !cycle->rollback) || (kind == RESTART_PROCESS && missing))
		return 0;
	return restart_ready(cycle->options, cycle->root, error);
}

/* Begins a rollback. */
static void go_back(struct cycle *cycle, int lock)
{
	struct error error;

	if (check_server(cycle, &error) == 0) {
		advance(cycle, &rollback_step, lock);
		return;
	}
	cycle->document = new_document(cycle);
	fail(cycle, "restart", &error);
}

/* Begins with the record of the release that current leads to, which nobody switches any more, as a document whose server is to be
 * restarted. Returns false when there is none. */
static bool begin_restart(struct cycle *cycle)
{
	char current[RELEASE_NAME];
	struct error error;
	cJSON *document = release_current(cycle->root, current, &error) == 0 ? release_record(cycle->root, current) : NULL;

	if (!document || !str_equal(cycle->mode, "server")) {
		log_warn("Nothing to restart", "root", cycle->root->path);
		cJSON_Delete(document);
		return false;
	}
	document_renew(document);
	document_set_state(document, STATE_DEPLOYED, "restart by SIGUSR1");
	json_set_bool(document, "deploy.reused", true);
	cycle->document = document;
	return true;
}

/* Takes the document to begin with from where it was asked for: from the releases on disk, or from the registry. */
static void begin(struct cycle *cycle, int lock)
{
	cycle->restarts = cycle->restarts && begin_restart(cycle);
	if (cycle->restarts)
		return;
	if (cycle->rollback) {
		go_back(cycle, lock);
		return;
	}
	advance(cycle, &check_step, lock);
	if (document_state(cycle->document) == STATE_UNCHANGED)
		release_heal_key(cycle->root, json_string(cycle->document, "previous.cache_key"));
}

/* Puts the greeting before all other notices: of one run, each channel hears them in their order. */
static void greet(struct cycle *cycle)
{
	if (!cycle->greeting)
		return;
	document_notice(cycle->document, "watch", NOTICE_PROGRESS, "%s", cycle->greeting);
	cJSON *notices = json_get(cycle->document, "notices");
	cJSON *last = cJSON_DetachItemFromArray(notices, cJSON_GetArraySize(notices) - 1);
	cJSON_InsertItemInArray(notices, 0, last);
	cycle->greeting = NULL;
}

/* Runs the stages. */
static void run_stages(struct cycle *cycle, struct notifier *notifier, int lock)
{
	struct error error;

	begin(cycle, lock);
	greet(cycle);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		if (step_is_abandoned(cycle, &steps[i]))
			break;
		if (document_state(cycle->document) != steps[i].acts_on || !is_for_mode(cycle, &steps[i]))
			continue;
		notifier_offer(notifier, cycle->document);
		if (steps[i].acts_on == STATE_FETCHED && check_server(cycle, &error))
			fail(cycle, "restart", &error);
		else
			advance(cycle, &steps[i], lock);
	}
}

/* Hands the lock and the mode down to the stages. */
static void set_environment(const struct cycle *cycle, int lock)
{
	AUTO_FREE char *number = xasprintf("%d", lock);

	setenv("DEWY_LOCK_FD", number, 1);
	setenv("DEWY_ROOT", cycle->root->path, 1);
	setenv("DEWY_MODE", cycle->mode, 1);
}

/* Has the stages say what they would do: nothing is locked, and nobody is told. dewy-fetch is left out, its part is in the plan of
 * dewy-deploy. Returns the exit status. */
static int rehearse(struct cycle *cycle)
{
	cycle->root->dry = true;
	set_environment(cycle, -1);
	advance(cycle, cycle->rollback ? &rollback_step : &check_step, 0);
	for (size_t i = 0; i < sizeof steps / sizeof *steps && !step_is_abandoned(cycle, &steps[i]); i++) {
		bool planned = cycle->rollback && str_equal(steps[i].stage, "deploy"); /* it has begun with that */
		if (steps[i].acts_on != STATE_AVAILABLE && document_state(cycle->document) == STATE_AVAILABLE && !planned &&
		    is_for_mode(cycle, &steps[i]))
			advance(cycle, &steps[i], 0);
	}
	return document_status(cycle->document);
}

/* Tells people and machines how the run ended. What only says that all is as before keeps nobody waiting. Whoever tells would
 * remember it in what has the name of ROOT by now. */
static void tell(struct cycle *cycle, struct notifier *notifier)
{
	struct error error;

	if (is_mistake(cycle))
		return;
	if (root_check_name(cycle->root, &error)) {
		log_warn("Cannot tell anybody", "error", error.message, "hint", error.hint);
		notifier_stop(notifier, cycle->document);
		return;
	}
	metrics_record(cycle->root, cycle->options, cycle->document);
	if (is_worth_telling(cycle))
		notifier_finish(notifier, cycle->document, notify_time(cycle), &cycle->requests);
	else if (metrics_are_due(cycle->root))
		notifier_begin(&cycle->exporter, cycle->document);
}

/* Tells people that the run cannot begin: whoever looks after it may see no log. Returns -1. */
static int refuse(struct cycle *cycle, const struct error *error)
{
	struct notifier notifier = {0};

	if (error->code == ERROR_LOCKED || !*option_list(cycle->options, OPT_NOTIFIER) || cycle->refusals++ >= TOLD_REFUSALS)
		return -1;
	cycle->document = new_document(cycle);
	document_fail(cycle->document, "dewy", error);
	set_environment(cycle, -1);
	tell(cycle, &notifier);
	return -1;
}

int cycle_run(struct cycle *cycle, struct error *error)
{
	struct notifier notifier = {0};

	if (option_flag(cycle->options, OPT_DRY_RUN))
		return rehearse(cycle);
	if (root_prepare(cycle->root, error))
		return refuse(cycle, error);
	AUTO_CLOSE int lock = turn_take(cycle->root, option_number(cycle->options, OPT_LOCK_WAIT), error);
	if (lock < 0)
		return refuse(cycle, error);
	cycle->refusals = 0;
	set_environment(cycle, lock);
	run_stages(cycle, &notifier, lock);
	close(steal_fd(&lock)); /* what follows takes as long as people's channels do */
	unsetenv("DEWY_LOCK_FD");
	sweeper_begin(&cycle->sweeper, cycle->document);
	tell(cycle, &notifier);
	return document_status(cycle->document);
}

int cycle_stop_server(struct cycle *cycle, struct error *error)
{
	AUTO_FREE char *program = proc_sibling(stop_step.program);
	const char *argv[] = {program, "--stop", "--root", cycle->root->path, NULL};
	struct proc_spec spec = {.argv = argv, .own_group = true};

	pid_t pid = proc_spawn(&spec, error);
	if (pid < 0)
		return -1;
	int code = step_await(cycle, &stop_step, pid, error);
	return code <= 0 ? code : error_set(error, ERROR_SUPERVISOR, "%s --stop ended with %d", stop_step.program, code);
}
