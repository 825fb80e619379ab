/* SPDX-License-Identifier: MIT */
#include "alloc.h"
#include "dewy/commands.h"
#include "dewy/cycle.h"
#include "dewy/init.h"
#include "dewy/pause.h"
#include "document.h"
#include "error.h"
#include "log.h"
#include "proc.h"
#include "str.h"
#include "time.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>

struct watch {
	struct cycle cycle;
	char *greeting; /* that the watch began */
	bool restart;   /* the server, as soon as the lock is free */
	int failures;   /* of cycles, in a row */
};

/* The first cycle tells people. */
static void greet(struct watch *watch)
{
	struct cycle *cycle = &watch->cycle;

	log_info("Dewy started", "version", PACKAGE_VERSION, "commit", DEWY_COMMIT);
	watch->greeting = xasprintf("Automatic shipping started by Dewy (v%s: %s)", PACKAGE_VERSION, cycle->mode);
	if (*option_list(cycle->options, OPT_NOTIFIER))
		cycle->greeting = watch->greeting;
}

/* Returns as cycle_run does. ROOT may have moved, or another directory may have its name, since the last time. */
static int run_in_root(struct cycle *cycle, struct error *error)
{
	return root_renew(cycle->root, option_string(cycle->options, OPT_ROOT), error) ? -1 : cycle_run(cycle, error);
}

/* Runs one cycle, or what SIGUSR1 asked for. A failure was logged, told and recorded by the stages: the next run tries again.
 * Returns how long to pause before that, in milliseconds. */
static long long run_cycle(struct watch *watch)
{
	struct cycle *cycle = &watch->cycle;
	struct error error = {0};

	cycle->restarts = watch->restart;
	int status = run_in_root(cycle, &error);
	bool locked = status < 0 && error.code == ERROR_LOCKED;
	if (status < 0)
		log_event(locked ? LOG_INFO : LOG_ERROR, error.message, "hint", error.hint);
	/* The registry that answers so is well, and runs before it may be asked again do not ask it. */
	bool limited = str_equal(json_string(cycle->document, "error.code"), error_word(ERROR_LIMITED));
	cJSON_Delete(steal_pointer(&cycle->document));
	watch->restart = cycle->restarts && locked;
	if (!cycle->restarts && !locked)
		watch->failures = status && !limited ? watch->failures + 1 : 0;
	return cycle->requests.stop ? 0 : pause_length(cycle->options, watch->failures);
}

/* Waits for the next run, or for a signal. */
static void pause_for(struct watch *watch, long long milliseconds)
{
	struct requests *requests = &watch->cycle.requests;
	long long deadline = time_monotonic() + milliseconds, left = milliseconds;

	while (!requests->stop && !requests->restart && !requests->look && left > 0) {
		struct pollfd polled = {.fd = requests->fd, .events = POLLIN};
		if (poll(&polled, 1, (int)left) > 0)
			requests_read(requests);
		left = deadline - time_monotonic();
	}
	if (requests->look)
		watch->failures = 0;
	watch->restart |= requests->restart;
	requests->look = requests->restart = false;
}

/* Ends the server when it does not outlive this process. Returns the exit status. */
static int end_server(struct cycle *cycle)
{
	struct error error;

	if (!cycle->ends_server || cycle_stop_server(cycle, &error) == 0)
		return 0;
	log_error(error.message, "hint", error.hint);
	return cycle->requests.hurry ? 0 : error_status(error.code);
}

static int watch_until_signal(struct watch *watch)
{
	const struct requests *requests = &watch->cycle.requests;

	greet(watch);
	while (!requests->stop)
		pause_for(watch, run_cycle(watch));
	int status = end_server(&watch->cycle);
	log_info("Dewy stopped", "signal", proc_signal_name(requests->stop));
	return status;
}

/* The stages would heed it, and a watch that changes nothing would plan the same again and again. */
static int refuse_dry_run(struct error *error)
{
	const char *dry = proc_variable("DEWY_DRY_RUN");

	if (!dry || option_truth(dry) == 0)
		return 0;
	error_set(error, ERROR_USAGE, "DEWY_DRY_RUN=%s: a watch is no dry run", dry);
	return error_hint(error, "unset it, or see with dewy once --dry-run what would be done");
}

static int run_watch(const struct tool *tool, const char *mode, int argc, char **argv)
{
	AUTO_ROOT struct root root = {.fd = -1, .state = -1, .releases = -1};
	struct watch watch = {.cycle = {.requests = {.fd = -1}}};
	struct options options;
	struct error error;
	bool alone = init_split();

	if (alone) /* whoever keeps what a container prints is to see what the server prints, too */
		setenv("DEWY_SERVER_LOG", "-", 0);
	signal(SIGPIPE, SIG_IGN); /* a log that nobody reads any more is no reason to end */
	int status = options_start(&options, tool, WATCH, 0, argc, argv);

	if (status >= 0)
		return status;
	if (refuse_dry_run(&error) || cycle_begin(&watch.cycle, &options, mode, &root, &error) || root_prepare(&root, &error)) {
		status = options_complain(tool, &error);
	} else {
		watch.cycle.ends_server = alone && str_equal(watch.cycle.mode, "server");
		status = watch_until_signal(&watch);
	}
	cycle_end(&watch.cycle);
	free(watch.greeting);
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
