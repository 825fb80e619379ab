/* SPDX-License-Identifier: MIT */
#include "restart/server.h"

int server_open(struct server *server, const struct stage_run *run, struct error *error)
{
	*server = (struct server){.ops = &supervisor_server, .run = run, .action = "restarted"};
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
