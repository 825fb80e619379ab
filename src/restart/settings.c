/* SPDX-License-Identifier: MIT */
#include "restart/settings.h"

#include "error.h"
#include "serve/port.h"
#include "str.h"
#include "url.h"

static int check_ports(const struct options *options, struct error *error)
{
	AUTO_PORTS struct port_list ports = {0};

	for (const char *const *port = option_list(options, OPT_PORT); *port; port++)
		if (ports_add(&ports, *port, error))
			return -1;
	return 0;
}

int restart_check_health_url(const char *text, struct error *error)
{
	AUTO_URL struct url url = {0};

	if (url_parse(&url, text, error))
		return error_in(error, "--health-url %s", text);
	if ((str_equal(url.scheme, "http") || str_equal(url.scheme, "https")) && *url.authority)
		return 0;
	error_set(error, ERROR_CONFIG, "--health-url %s: expected http:// or https:// and a host", text);
	return error_hint(error, "for example http://127.0.0.1:8080/health");
}

int restart_check(const struct options *options, struct error *error)
{
	const char *url = option_string(options, OPT_HEALTH_URL);
	mode_t mode;

	return check_ports(options, error) || port_read_mode(option_string(options, OPT_SOCKET_MODE), &mode, error) ||
	       (url && restart_check_health_url(url, error)) ? -1 : 0;
}
