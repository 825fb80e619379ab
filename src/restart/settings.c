/* SPDX-License-Identifier: MIT */
#include "restart/settings.h"

#include "error.h"
#include "restart/target.h"
#include "serve/port.h"

static int check_ports(const struct options *options, struct error *error)
{
	AUTO_PORTS struct port_list ports = {0};

	for (const char *const *port = option_list(options, OPT_PORT); *port; port++)
		if (ports_add(&ports, *port, error))
			return -1;
	return 0;
}

int restart_check(const struct options *options, struct error *error)
{
	AUTO_TARGET struct target target = {0};
	mode_t mode;

	return check_ports(options, error) || port_read_mode(option_string(options, OPT_SOCKET_MODE), &mode, error) ||
			       target_find(&target, options, "", error)
		       ? -1
		       : 0;
}
