/* SPDX-License-Identifier: MIT */
#include "restart/server.h"

#include "plan.h"
#include "restart/settings.h"
#include "str.h"

#include <stdlib.h>

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
	if (server->own && server->ops->forget)
		server->ops->forget(server);
	free(server->own);
}

const char *server_version(const struct server *server)
{
	return json_string(server->run->document, "release.version");
}

void server_expect(const struct server *server, const char *format, ...)
{
	AUTO_BUF struct buf expected = {0}, timeout = {0}, settled = {0};
	va_list arguments;

	va_start(arguments, format);
	buf_vprintf(&expected, format, arguments);
	va_end(arguments);
	str_add_duration(&timeout, option_number(server->run->options, OPT_START_TIMEOUT));
	str_add_duration(&settled, option_number(server->run->options, OPT_SETTLE));
	plan_step(server->run->document, "expect %s within %s, up for %s", buf_text(&expected), buf_text(&timeout),
		  buf_text(&settled));
}
