/* SPDX-License-Identifier: MIT */
#include "restart/server.h"

#include "restart/settings.h"

static const struct server_ops *const kinds[] = {
	[RESTART_SUPERVISOR] = &supervisor_server,
	[RESTART_UNIT] = &unit_server,
	[RESTART_PROCESS] = &process_server,
	[RESTART_COMMAND] = &command_server,
};

int server_open(struct server *server, const struct stage_run *run, struct error *error)
{
	*server = (struct server){.ops = kinds[restart_kind(run->options)], .run = run, .action = "restarted"};
	return server->ops->find(server, error);
}

void server_close(struct server *server)
{
	if (server->own)
		server->ops->forget(server);
}

const char *server_version(const struct server *server)
{
	return json_string(server->run->document, "release.version");
}
