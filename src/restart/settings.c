/* SPDX-License-Identifier: MIT */
#include "restart/settings.h"

#include "error.h"
#include "proc.h"
#include "restart/systemctl.h"
#include "restart/target.h"
#include "serve/port.h"
#include "str.h"

const char *const restart_kind_words[] = {
	[RESTART_SUPERVISOR] = "supervisor",
	[RESTART_UNIT] = "unit",
	[RESTART_PROCESS] = "process",
	[RESTART_COMMAND] = "command",
};

static const struct {
	enum option_id option;
	enum restart_kind kind;
} kinds[] = {{OPT_UNIT, RESTART_UNIT}, {OPT_SIGNAL, RESTART_PROCESS}, {OPT_RESTART_COMMAND, RESTART_COMMAND}};

enum { KINDS = sizeof kinds / sizeof *kinds };

enum restart_kind restart_kind(const struct options *options)
{
	for (size_t i = 0; i < KINDS; i++)
		if (option_given(options, kinds[i].option))
			return kinds[i].kind;
	return RESTART_SUPERVISOR;
}

const char *restart_mode(const struct options *options)
{
	const char *mode = option_string(options, OPT_MODE);

	return mode ? mode : options->rest[0] || restart_kind(options) != RESTART_SUPERVISOR ? "server" : "assets";
}

int restart_check_kind(const struct options *options, const char *mode, struct error *error)
{
	bool assets = str_equal(mode, "assets");
	const char *first = NULL;

	if (assets && options->rest[0])
		return error_set(error, ERROR_USAGE, "assets mode takes no command");
	for (size_t i = 0; i < KINDS; i++) {
		if (!option_given(options, kinds[i].option))
			continue;
		const char *name = option_specs[kinds[i].option].name;
		if (assets)
			return error_set(error, ERROR_USAGE, "assets mode restarts nothing: --%s is for servers", name);
		if (first || options->rest[0]) {
			error_set(error, ERROR_USAGE, "--%s and %s%s exclude each other", name,
				  first ? "--" : "a command behind --", first ? first : "");
			return error_hint(error, "a server is kept running by one: dewy-serve with the command, --unit, --signal "
						 "or --restart-command");
		}
		first = name;
	}
	return 0;
}

static int check_signal(const struct options *options, struct error *error)
{
	const char *name = option_string(options, OPT_SIGNAL);

	if (proc_signal_number(name) < 0) {
		error_set(error, ERROR_USAGE, "--signal %s: expected the name of a signal", name);
		return error_hint(error, "for example --signal HUP");
	}
	if (option_given(options, OPT_PID_FILE))
		return 0;
	error_set(error, ERROR_USAGE, "--signal %s: no --pid-file says whom to signal", name);
	return error_hint(error, "for example --pid-file /run/nginx.pid");
}

static int check_command(const struct options *options, struct error *error)
{
	if (option_given(options, OPT_PID_FILE) || option_given(options, OPT_HEALTH_URL) || option_given(options, OPT_HEALTH_PATH))
		return 0;
	error_set(error, ERROR_USAGE, "--restart-command: that a command succeeds does not show that the server runs the release");
	return error_hint(error, "give --health-url, --health-path or --pid-file besides");
}

static int check_kind(const struct options *options, struct error *error)
{
	if (restart_check_kind(options, "server", error))
		return -1;
	switch (restart_kind(options)) {
	case RESTART_UNIT:
		return systemctl_check_name(option_string(options, OPT_UNIT), error);
	case RESTART_PROCESS:
		return check_signal(options, error);
	case RESTART_COMMAND:
		return check_command(options, error);
	default:
		return 0;
	}
}

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

	return check_kind(options, error) || check_ports(options, error) ||
			       port_read_mode(option_string(options, OPT_SOCKET_MODE), &mode, error) ||
			       target_find(&target, options, "", error)
		       ? -1
		       : 0;
}
