/* SPDX-License-Identifier: MIT */
#include "restart/ready.h"

#include "alloc.h"
#include "cleanup.h"
#include "error.h"
#include "restart/settings.h"
#include "restart/systemctl.h"
#include "serve/status.h"

static int find_process(const char *pid_file, struct error *error)
{
	pid_t pid;
	int running = serve_is_running(pid_file, &pid, error);

	if (running)
		return running < 0 ? -1 : 0;
	error_set(error, ERROR_CONFIG, "no process runs of the pid file %s, so that there is nothing to signal", pid_file);
	return error_hint(error, "start the server, and check --pid-file");
}

static int find_supervisor(const struct options *options, const struct root *root, struct error *error)
{
	AUTO_FREE char *pid_file = serve_pid_file(options, root);
	pid_t pid;
	int running = serve_is_running(pid_file, &pid, error);

	if (running || options->rest[0])
		return running < 0 ? -1 : 0;
	error_set(error, ERROR_USAGE, "no server runs, and there is no command to start one");
	return error_hint(error, "give the command behind --, for example: -- current/bin/server");
}

int restart_ready(const struct options *options, const struct root *root, struct error *error)
{
	struct unit_state state;

	switch (restart_kind(options)) {
	case RESTART_UNIT:
		return systemctl_find(option_string(options, OPT_UNIT), &state, error);
	case RESTART_PROCESS:
		return find_process(option_string(options, OPT_PID_FILE), error);
	case RESTART_COMMAND:
		return 0;
	default:
		return find_supervisor(options, root, error);
	}
}
