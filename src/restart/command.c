/* SPDX-License-Identifier: MIT */
/* A server that a command of the user restarts. That the command succeeded is no proof. */
#include "alloc.h"
#include "error.h"
#include "log.h"
#include "plan.h"
#include "restart/processes.h"
#include "shell.h"
#include "str.h"

#include <string.h>

enum { STEP_MS = 50, OUTPUT_LIMIT = 65536, SHOWN = 400 };

static int find(struct server *server, struct error *error)
{
	struct processes *processes = server->own = xcalloc(1, sizeof *processes);

	processes->pid_file = option_string(server->run->options, OPT_PID_FILE);
	return processes->pid_file && processes_read(processes, error) < 0 ? -1 : 0;
}

/* Says how the command failed, and the end of what it printed, where the reason is. Returns -1. */
static int explain(const struct server *server, const struct proc_result *result, struct error *error)
{
	AUTO_BUF struct buf said = {0}, waited = {0};
	const struct buf *printed = result->err.length ? &result->err : &result->out;
	size_t skipped = printed->length > SHOWN ? printed->length - SHOWN : 0;

	str_add_utf8(&said, buf_text(printed) + skipped);
	while (said.length && strchr(" \n", said.data[said.length - 1]))
		said.data[--said.length] = '\0';
	str_add_duration(&waited, option_number(server->run->options, OPT_START_TIMEOUT));
	if (result->timed_out)
		error_set(error, ERROR_APPLICATION, "%s did not start: the restart command was not done in %s: %s%s",
			  server_version(server), buf_text(&waited), skipped ? "..." : "", buf_text(&said));
	else
		error_set(error, ERROR_APPLICATION, "%s did not start: the restart command failed with exit code %d: %s%s",
			  server_version(server), result->exit_code, skipped ? "..." : "", buf_text(&said));
	return error_hint(error, "run the command by hand in %s", server->run->root->path);
}

static void plan(const struct server *server)
{
	struct processes *processes = server->own;

	plan_step(server->run->document, "run in %s: %s", server->run->root->path,
		  option_string(server->run->options, OPT_RESTART_COMMAND));
	if (processes->pid_file)
		processes_plan(processes, server);
	else
		server_expect(server, "its exit status to be 0");
}

static int renew(struct server *server, struct error *error)
{
	struct processes *processes = server->own;
	struct shell shell = {
		.root = server->run->root,
		.document = server->run->document,
		.command = option_string(server->run->options, OPT_RESTART_COMMAND),
		.release_dir = json_string(server->run->document, "deploy.path"),
	};
	struct proc_result result;

	if (processes->pid_file && processes_read(processes, error) < 0)
		return -1;
	processes_remember(processes, server);
	log_info("Run command for server restart", "command", shell.command);
	int failed = shell_run(&shell, OUTPUT_LIMIT, option_number(server->run->options, OPT_START_TIMEOUT), &result, error);
	if (!failed && (result.exit_code || result.timed_out))
		failed = explain(server, &result, error);
	proc_result_free(&result);
	return failed;
}

static int look(struct server *server, struct error *error)
{
	struct processes *processes = server->own;

	return processes->pid_file ? processes_look(processes, server, error) : 0;
}

static int serves(struct server *server, bool *ret_alone, struct error *error)
{
	struct processes *processes = server->own;

	*ret_alone = true;
	return processes->pid_file ? processes_serve(processes, server, ret_alone, error) : 1;
}

const struct server_ops command_server = {
	.step_ms = STEP_MS,
	.find = find,
	.plan = plan,
	.renew = renew,
	.look = look,
	.serves = serves,
};
