/* SPDX-License-Identifier: MIT */
/* A supervisor that dewy keeps running: dewy-serve, or a start_server with a pid file and a status file. */
#include "alloc.h"
#include "error.h"
#include "log.h"
#include "plan.h"
#include "proc.h"
#include "restart/generations.h"
#include "restart/ready.h"
#include "secrets.h"
#include "str.h"
#include "time.h"
#include "words.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { STEP_MS = 50, STOP_MS = 60000, LAUNCH_MS = 30000 };

static int find(struct server *server, struct error *error)
{
	struct generations *generations = server->own = xcalloc(1, sizeof *generations);

	return generations_find(generations, server->run, error) || restart_ready(server->run->options, server->run->root, error)
		       ? -1
		       : 0;
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

/* Returns where the server's output goes; the caller frees it. */
static char *server_log(const struct stage_run *run)
{
	const char *given = option_string(run->options, OPT_SERVER_LOG);

	return given ? xstrdup(given) : root_state_path(run->root, "serve.log");
}

static void build_command(const struct server *server, struct words *argv)
{
	const struct stage_run *run = server->run;
	const struct generations *generations = server->own;
	AUTO_FREE char *program = proc_sibling("dewy-serve"), *log_file = server_log(run);
	/* The old generation serves on for as long as the new one has to prove itself, so that losing the new one costs nothing. */
	AUTO_FREE char *delay = xasprintf("--kill-old-delay=%lldms", option_number(run->options, OPT_SETTLE));
	AUTO_FREE char *timeout = xasprintf("--ready-timeout=%lldms", option_number(run->options, OPT_START_TIMEOUT));
	AUTO_FREE char *kill_timeout = xasprintf("--kill-timeout=%lldms", option_number(run->options, OPT_KILL_TIMEOUT));
	const char *fixed[] = {program,	    "--daemonize",	     "--give-up",		"--root",
			       run->root->path, "--pid-file",	     generations->pid_file,	"--status-file",
			       generations->status_file, "--log-file", log_file, delay, timeout, kill_timeout, NULL};

	words_add_all(argv, "", fixed);
	pass_on(run->options, argv);
	words_add(argv, "--");
	words_add_all(argv, "", (const char *const *)run->options->rest);
}

/* Starts dewy-serve as a daemon; its parent process returns when the sockets are bound. */
static int launch(struct server *server, struct error *error)
{
	static const char *const nothing[] = {NULL};
	AUTO_FREE const char **environment = proc_environment(secret_variables, nothing);
	AUTO_WORDS struct words argv = {0};
	struct proc_result result;

	build_command(server, &argv);
	/* Its standard output is what --log-file=- takes, and its standard error says why it cannot start. */
	struct proc_spec spec = {
		.argv = words_list(&argv),
		.environment = environment,
		.directory = server->run->root->fd,
		.out = str_equal(option_string(server->run->options, OPT_SERVER_LOG), "-") ? STDERR_FILENO : 0,
	};
	if (proc_run(&spec, 4096, LAUNCH_MS, &result, error))
		return -1;
	int failed = result.exit_code;
	if (failed) {
		const char *said = buf_text(&result.err);
		error_set(error, ERROR_SUPERVISOR, "cannot start the supervisor: %.*s", (int)strcspn(said, "\n"), said);
	}
	proc_result_free(&result);
	server->started = !failed;
	server->action = "started";
	return failed || generations_running(server->own, error) < 0 ? -1 : 0;
}

static int ask(struct generations *generations, struct error *error)
{
	AUTO_FREE char *pid = xasprintf("%d", (int)generations->supervisor);

	log_info("Send SIGHUP for server restart", "pid", pid);
	if (kill(generations->supervisor, SIGHUP) == 0)
		return 0;
	error_set(error, ERROR_SUPERVISOR, "cannot signal the supervisor %s: %s", pid, strerror(errno));
	return error_hint(error, "run as the user that the supervisor runs as, or as root");
}

static void plan(const struct server *server)
{
	const struct generations *generations = server->own;
	AUTO_BUF struct buf command = {0};

	for (char **word = server->run->options->rest; *word; word++)
		buf_printf(&command, " %s", *word);
	if (generations->supervisor)
		plan_step(server->run->document, "send SIGHUP to supervisor %d (generation %lld)", (int)generations->supervisor,
			   generations_newest(generations));
	else
		plan_step(server->run->document, "start dewy-serve in %s with the command%s", server->run->root->path,
			  buf_text(&command));
	generations_plan(generations, server);
}

static int renew(struct server *server, struct error *error)
{
	struct generations *generations = server->own;
	int running = generations_running(generations, error);

	if (running < 0)
		return -1;
	bool pending = generations_pending(generations);
	generations_ask(generations);
	if (running ? !pending && ask(generations, error) : launch(server, error))
		return -1;
	server->patience = generations_patience(generations, server->run->options);
	return 0;
}

/* The supervisor was killed before it had the new generation: the release is not to blame, and may have it from another one.
 * Returns 1 or -1. */
static int launch_again(struct server *server, struct error *error)
{
	log_warn("Starting the supervisor again", "error", error->message);
	server->renewed_at = time_monotonic();
	generations_ask(server->own);
	return launch(server, error) ? -1 : 1;
}

static int look(struct server *server, struct error *error)
{
	struct generations *generations = server->own;
	int result = generations_look(generations, server, error);
	bool ended = result < 0 && error->code == ERROR_SUPERVISOR && !generations->supervisor;

	return ended && !server->started && server->run->options->rest[0] ? launch_again(server, error) : result;
}

static int serves(struct server *server, bool *ret_alone, struct error *error)
{
	return generations_serve(server->own, server, ret_alone, error);
}

static void abandon(struct server *server)
{
	generations_abandon(server->own, option_number(server->run->options, OPT_KILL_TIMEOUT));
}

static bool kept(struct server *server)
{
	return generations_kept(server->own, server);
}

static void stop(struct server *server)
{
	struct generations *generations = server->own;
	long long deadline = time_monotonic() + STOP_MS;
	struct error error;

	if (generations_running(generations, &error) <= 0)
		return;
	kill(generations->supervisor, SIGTERM);
	while (generations_running(generations, &error) > 0 && time_monotonic() < deadline)
		time_sleep(STEP_MS);
}

static void forget(struct server *server)
{
	generations_free(server->own);
}

const struct server_ops supervisor_server = {
	.step_ms = STEP_MS,
	.find = find,
	.plan = plan,
	.renew = renew,
	.look = look,
	.serves = serves,
	.abandon = abandon,
	.kept = kept,
	.stop = stop,
	.forget = forget,
};
