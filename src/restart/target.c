/* SPDX-License-Identifier: MIT */
#include "restart/target.h"

#include "alloc.h"
#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "serve/port.h"
#include "str.h"
#include "url.h"

#include <string.h>

static int check_url(const char *text, struct error *error)
{
	AUTO_URL struct url url = {0};

	if (url_parse(&url, text, error))
		return error_in(error, "--health-url %s", text);
	if ((str_equal(url.scheme, "http") || str_equal(url.scheme, "https")) && *url.authority)
		return 0;
	error_set(error, ERROR_CONFIG, "--health-url %s: expected http:// or https:// and a host", text);
	return error_hint(error, "for example http://127.0.0.1:8080/health");
}

static int check_path(const char *path, struct error *error)
{
	if (*path == '/' && !path[strcspn(path, " \t\r\n#")])
		return 0;
	error_set(error, ERROR_USAGE, "--health-path %s: expected the path of a URL, which begins with /", path);
	return error_hint(error, "for example --health-path /health");
}

/* Returns what reaches a port from this machine, as a URL has it; the caller frees it. */
static char *reach(const struct port *port)
{
	const char *host = port->host;

	if (!host || str_equal(host, "0.0.0.0"))
		host = "127.0.0.1";
	else if (str_equal(host, "::"))
		host = "::1";
	return strchr(host, ':') ? xasprintf("[%s]:%d", host, port->number) : xasprintf("%s:%d", host, port->number);
}

/* Sets the URL to the path at the first port for TCP. Returns 0; 1 when there is none; or -1. */
static int find_port(struct target *target, const struct options *options, const char *path, struct error *error)
{
	AUTO_PORTS struct port_list list = {0};

	for (const char *const *port = option_list(options, OPT_PORT); *port; port++)
		if (ports_add(&list, *port, error))
			return -1;
	for (size_t i = 0; i < list.count; i++)
		if (!list.ports[i].datagram) {
			AUTO_FREE char *authority = reach(&list.ports[i]);
			target->url = xasprintf("http://%s%s", authority, path);
			return 0;
		}
	return 1;
}

static int find_socket(struct target *target, const struct options *options, const char *root, const char *path,
		       struct error *error)
{
	const char *socket = option_list(options, OPT_SOCKET_PATH)[0];

	if (socket) {
		target->socket = *socket == '/' ? xstrdup(socket) : xasprintf("%s/%s", root, socket);
		target->url = xasprintf("http://localhost%s", path);
		return 0;
	}
	error_set(error, ERROR_USAGE, "--health-path %s: there is no --port and no --path to ask at", path);
	return error_hint(error, "repeat the --port that the server has, or give the whole --health-url");
}

int target_find(struct target *target, const struct options *options, const char *root, struct error *error)
{
	const char *url = option_string(options, OPT_HEALTH_URL), *path = option_string(options, OPT_HEALTH_PATH);

	*target = (struct target){.direct = path != NULL};
	if (url && path)
		return error_set(error, ERROR_USAGE, "--health-url and --health-path exclude each other");
	if (url) {
		target->url = xstrdup(url);
		return check_url(url, error);
	}
	if (!path)
		return 0;
	int result = check_path(path, error) ? -1 : find_port(target, options, path, error);
	return result > 0 ? find_socket(target, options, root, path, error) : result;
}

void target_free(struct target *target)
{
	free(target->url);
	free(target->socket);
	*target = (struct target){0};
}
