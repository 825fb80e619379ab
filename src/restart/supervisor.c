/* SPDX-License-Identifier: MIT */
#include "restart/supervisor.h"

#include "alloc.h"
#include "error.h"
#include "log.h"
#include "proc.h"
#include "secrets.h"
#include "str.h"
#include "time.h"
#include "words.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum {
	STEP_MS = 50,
	STOP_MS = 60000,
	LAUNCH_MS = 30000,
	MARGIN_MS = 5000, /* a supervisor that gives up in time has the first word, since it knows why */
};

static const char *version(const struct supervisor *supervisor)
{
	return json_string(supervisor->run->document, "release.version");
}

static long long newest_generation(const struct supervisor *supervisor)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	struct error error;

	if (serve_status_read(supervisor->status_file, &status, &error))
		return 0;
	long long newest = status.count ? status.workers[status.count - 1].generation : 0;
	return status.generation > newest ? status.generation : newest;
}

int supervisor_find(struct supervisor *supervisor, const struct stage_run *run, struct error *error)
{
	*supervisor = (struct supervisor){
		.run = run,
		.pid_file = serve_pid_file(run->options, run->root),
		.status_file = serve_status_file(run->options, run->root),
	};
	return serve_is_running(supervisor->pid_file, &supervisor->pid, error) < 0 ? -1 : 0;
}

void supervisor_forget(struct supervisor *supervisor)
{
	free(supervisor->pid_file);
	free(supervisor->status_file);
}

/* Passes options on that dewy-serve has, too. */
static void pass_on(const struct options *options, struct words *argv)
{
	static const size_t same[] = {OPT_SOCKET_MODE, OPT_SOCKET_USER, OPT_SOCKET_GROUP, OPT_USER, OPT_GROUP};

	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		if (!option_given(options, same[i]))
			continue;
		AUTO_FREE char *word = xasprintf("--%s=%s", options->specs[same[i]].name, option_string(options, same[i]));
		words_add(argv, word);
	}
	words_add_all(argv, "--port=", option_list(options, OPT_PORT));
	words_add_all(argv, "--path=", option_list(options, OPT_SOCKET_PATH));
}

static void build_command(const struct supervisor *supervisor, struct words *argv)
{
	const struct stage_run *run = supervisor->run;
	AUTO_FREE char *program = proc_sibling("dewy-serve"), *log_file = root_state_path(run->root, "serve.log");
	/* The old generation serves on for as long as the new one has to prove itself, so that losing the new one costs nothing. */
	AUTO_FREE char *delay = xasprintf("--kill-old-delay=%lldms", option_number(run->options, OPT_SETTLE));
	AUTO_FREE char *timeout = xasprintf("--ready-timeout=%lldms", option_number(run->options, OPT_START_TIMEOUT));
	const char *fixed[] = {program,	   "--daemonize",	 "--give-up",		"--root", run->root->path, "--pid-file", supervisor->pid_file,
			       "--status-file", supervisor->status_file, "--log-file", log_file, delay,		   timeout,	 NULL};

	words_add_all(argv, "", fixed);
	pass_on(run->options, argv);
	words_add(argv, "--");
	words_add_all(argv, "", (const char *const *)run->options->rest);
}

/* Starts dewy-serve as a daemon; its parent process returns when the sockets are bound. */
static int launch(struct supervisor *supervisor, struct error *error)
{
	static const char *const nothing[] = {NULL};
	AUTO_FREE const char **environment = proc_environment(secret_variables, nothing);
	AUTO_WORDS struct words argv = {0};
	struct proc_result result;

	if (!supervisor->run->options->rest[0]) {
		error_set(error, ERROR_USAGE, "no server runs, and there is no command to start one");
		return error_hint(error, "give the command behind --, for example: -- current/bin/server");
	}
	build_command(supervisor, &argv);
	struct proc_spec spec = {.argv = words_list(&argv), .environment = environment, .directory = supervisor->run->root->fd};
	if (proc_run(&spec, 4096, LAUNCH_MS, &result, error))
		return -1;
	int failed = result.exit_code;
	if (failed) {
		const char *said = buf_text(&result.err);
		error_set(error, ERROR_SUPERVISOR, "cannot start the supervisor: %.*s", (int)strcspn(said, "\n"), said);
	}
	proc_result_free(&result);
	supervisor->started = !failed;
	return failed || serve_is_running(supervisor->pid_file, &supervisor->pid, error) < 0 ? -1 : 0;
}

int supervisor_renew(struct supervisor *supervisor, struct error *error)
{
	AUTO_FREE char *pid = xasprintf("%d", (int)supervisor->pid);

	if (serve_is_running(supervisor->pid_file, &supervisor->pid, error) <= 0) {
		supervisor->before = 0;
		return launch(supervisor, error);
	}
	supervisor->before = newest_generation(supervisor);
	log_info("Send SIGHUP for server restart", "pid", pid);
	if (kill(supervisor->pid, SIGHUP) == 0)
		return 0;
	error_set(error, ERROR_SUPERVISOR, "cannot signal the supervisor %s: %s", pid, strerror(errno));
	return error_hint(error, "run as the user that the supervisor runs as, or as root");
}

/* Looks for a generation newer than before. Returns 0 with its worker, 1 when there is none yet, or -1. */
static int look(struct supervisor *supervisor, struct serve_worker *ret_worker, struct error *error)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	int alive = serve_is_running(supervisor->pid_file, &supervisor->pid, error);

	if (alive < 0 || serve_status_read(supervisor->status_file, &status, error) < 0)
		return -1;
	if (status.state == SERVE_FAILED && status.generation > supervisor->before)
		return error_set(error, ERROR_APPLICATION, "%s did not start: %s", version(supervisor), status.reason);
	if (!alive)
		return error_set(error, ERROR_APPLICATION, "%s did not start, and its supervisor ended", version(supervisor));
	bool settled = status.state == SERVE_READY || status.state == SERVE_UNKNOWN;
	if (!settled || !status.count || status.workers[status.count - 1].generation <= supervisor->before)
		return 1;
	*ret_worker = status.workers[status.count - 1];
	return 0;
}

int supervisor_follow(struct supervisor *supervisor, struct serve_worker *ret_worker, struct error *error)
{
	long long timeout = option_number(supervisor->run->options, OPT_START_TIMEOUT);
	long long deadline = time_monotonic() + timeout + option_number(supervisor->run->options, OPT_SETTLE) + MARGIN_MS;

	for (;;) {
		int result = look(supervisor, ret_worker, error);
		if (result <= 0)
			return result;
		if (time_monotonic() >= deadline)
			break;
		time_sleep(STEP_MS);
	}
	AUTO_BUF struct buf waited = {0};
	str_add_duration(&waited, timeout);
	return error_set(error, ERROR_APPLICATION, "%s was not up in %s", version(supervisor), buf_text(&waited));
}

int supervisor_serves(struct supervisor *supervisor, const struct serve_worker *worker, bool *ret_alone, struct error *error)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	int alive = serve_is_running(supervisor->pid_file, &supervisor->pid, error);

	if (alive < 0 || serve_status_read(supervisor->status_file, &status, error) < 0)
		return -1;
	*ret_alone = status.count == 1;
	const struct serve_worker *newest = status.count ? &status.workers[status.count - 1] : NULL;
	if (alive && newest && newest->generation == worker->generation && newest->pid == worker->pid)
		return 1;
	bool tells = status.state == SERVE_FAILED && *status.reason;
	error_set(error, ERROR_APPLICATION, "%s stopped again%s%s", version(supervisor), tells ? ": " : "", tells ? status.reason : "");
	return 0;
}

bool supervisor_discarded(struct supervisor *supervisor)
{
	AUTO_SERVE_STATUS struct serve_status status = {0};
	struct error error;

	return serve_is_running(supervisor->pid_file, &supervisor->pid, &error) > 0 &&
	       serve_status_read(supervisor->status_file, &status, &error) == 0 && status.state == SERVE_FAILED &&
	       status.generation > supervisor->before && status.count > 0;
}

void supervisor_stop(struct supervisor *supervisor)
{
	struct error error;
	long long deadline = time_monotonic() + STOP_MS;

	if (serve_is_running(supervisor->pid_file, &supervisor->pid, &error) <= 0)
		return;
	kill(supervisor->pid, SIGTERM);
	while (serve_is_running(supervisor->pid_file, &supervisor->pid, &error) > 0 && time_monotonic() < deadline)
		time_sleep(STEP_MS);
}
