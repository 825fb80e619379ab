/* SPDX-License-Identifier: MIT */
#include "alloc.h"
#include "dewy/commands.h"
#include "dewy/cycle.h"
#include "dewy/notifier.h"
#include "document.h"
#include "error.h"
#include "log.h"
#include "root/release.h"
#include "str.h"
#include "time.h"

#include <poll.h>
#include <signal.h>
#include <string.h>

/* Waits for the next run, or for a signal. */
static void pause_for(struct cycle *cycle, long long milliseconds)
{
	struct pollfd polled = {.fd = cycle->signals, .events = POLLIN};

	if (poll(&polled, 1, (int)milliseconds) > 0)
		cycle_read_signal(cycle);
}

static void announce(struct cycle *cycle, const char *mode)
{
	struct notifier notifier = {.output = -1};
	AUTO_JSON cJSON *document = document_new(cycle->root, option_string(cycle->options, OPT_APP), mode);

	log_info("Dewy started", "version", PACKAGE_VERSION, "commit", DEWY_COMMIT);
	document_set_state(document, STATE_WAITING, "started");
	document_notice(document, "watch", NOTICE_PROGRESS, "Automatic shipping started by Dewy (v%s: %s)", PACKAGE_VERSION, mode);
	if (*option_list(cycle->options, OPT_NOTIFIER))
		notifier_finish(&notifier, document, option_number(cycle->options, OPT_NOTIFY_TIMEOUT), cycle->signals);
}

/* Returns the record of the release that current leads to, as a document whose server is to be restarted; NULL for none. */
static cJSON *restart_document(const struct cycle *cycle)
{
	char current[RELEASE_NAME];
	struct error error;
	cJSON *document = release_current(cycle->root, current, &error) == 0 ? release_record(cycle->root, current) : NULL;

	if (!document || !str_equal(cycle->mode, "server")) {
		log_warn("Nothing to restart", "root", cycle->root->path);
		cJSON_Delete(document);
		return NULL;
	}
	document_set_state(document, STATE_DEPLOYED, "restart by SIGUSR1");
	json_set_bool(document, "deploy.reused", true);
	json_set_string(document, "notices", NULL);
	return document;
}

/* Runs one cycle. A failure was logged, told and recorded by the stages: the next run tries again. */
static void run_cycle(struct cycle *cycle, cJSON *begin)
{
	struct error error;

	cycle->document = begin;
	if (cycle_run(cycle, &error) < 0)
		log_event(error.code == ERROR_LOCKED ? LOG_INFO : LOG_ERROR, error.message, "hint", error.hint);
	cJSON_Delete(cycle->document);
	cycle->document = NULL;
}

static int watch(struct cycle *cycle)
{
	static const char *const names[] = {[SIGTERM] = "TERM", [SIGINT] = "INT", [SIGQUIT] = "QUIT"};
	long long interval = option_number(cycle->options, OPT_INTERVAL);
	cJSON *begin = NULL;

	announce(cycle, cycle->mode);
	while (!cycle->stop) {
		run_cycle(cycle, begin);
		begin = NULL;
		if (cycle->stop)
			break;
		if (!cycle->restart)
			pause_for(cycle, interval);
		if (cycle->restart)
			begin = restart_document(cycle);
		cycle->restart = false;
	}
	log_info("Dewy stopped", "signal", names[cycle->stop]);
	return 0;
}

static int run_watch(const struct tool *tool, const char *mode, int argc, char **argv)
{
	AUTO_ROOT struct root root = {.fd = -1, .state = -1, .releases = -1};
	struct options options;
	struct cycle cycle;
	struct error error;
	int status = options_start(&options, tool, WATCH, 0, argc, argv);

	if (status >= 0)
		return status;
	status = cycle_begin(&cycle, &options, mode, &root, &error) || root_prepare(&root, &error) ? options_complain(tool, &error)
												   : watch(&cycle);
	cycle_end(&cycle);
	option_free(&options);
	return status;
}

int watch_main(int argc, char **argv)
{
	static const struct tool tool = {"dewy watch", "[-- COMMAND...]", "Run dewy once again and again"};

	return run_watch(&tool, NULL, argc, argv);
}

int server_main(int argc, char **argv)
{
	static const struct tool tool = {"dewy server", "[-- COMMAND...]", "Keep the newest release of a server running"};

	return run_watch(&tool, "server", argc, argv);
}

int assets_main(int argc, char **argv)
{
	static const struct tool tool = {"dewy assets", "", "Keep the newest release of files in place"};

	return run_watch(&tool, "assets", argc, argv);
}
