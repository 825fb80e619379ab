/* SPDX-License-Identifier: MIT */
#include "serve/serve.h"

#include "alloc.h"
#include "cleanup.h"
#include "error.h"
#include "log.h"
#include "serve/control.h"
#include "serve/daemon.h"
#include "serve/identity.h"
#include "serve/inherited.h"
#include "serve/listen.h"
#include "serve/loop.h"
#include "serve/pidfile.h"
#include "serve/report.h"
#include "serve/service.h"

#include <errno.h>
#include <unistd.h>

static const struct tool serve_tool = {
	.name = "dewy-serve",
	.operands = "[-- COMMAND...]",
	.summary = "Binds sockets once, runs a server on them, and replaces it on SIGHUP without dropping a connection",
};

static int open_sockets(struct service *service, const struct options *options, struct inherited *inherited, struct error *error)
{
	struct socket_rules rules;

	if (listen_rules(&rules, options, error))
		return -1;
	return sockets_open(&service->sockets, option_list(options, OPT_PORT), option_list(options, OPT_SOCKET_PATH), &rules,
			    inherited, error);
}

static int read_identity(struct service *service, struct error *error)
{
	const struct options *options = service->settings->options;

	return identity_read(&service->identity, option_string(options, OPT_USER), option_string(options, OPT_GROUP), error);
}

/* Takes all that can be refused, so that whoever called hears of it. */
static int acquire(struct service *service, struct inherited *inherited, struct error *error)
{
	const struct settings *settings = service->settings;
	const struct options *options = settings->options;

	if (loop_open_events(&service->events, error))
		return -1;
	if (read_identity(service, error))
		return -1;
	service->pid_file = pidfile_take(settings->pid_file, error);
	if (service->pid_file < 0)
		return -1;
	pidfile_end_orphans(settings->status_file, settings->kill_timeout);
	if (output_open(&service->output, settings->log_file, error) || open_sockets(service, options, inherited, error))
		return -1;
	service->messages = readiness_open(settings->notify_file, service->supervisor.notify_address, error);
	return service->messages < 0 ? -1 : 0;
}

/* The status file comes first: whoever finds the new pid is not to read what an earlier supervisor left. */
static int publish(struct service *service, const struct settings *settings, struct error *error)
{
	if (supervisor_announce(&service->supervisor, error) || pidfile_write(service->pid_file, settings->pid_file, error))
		return -1;
	if (chdir(settings->directory))
		return error_errno(error, errno, "cannot enter %s", settings->directory);
	return output_redirect(&service->output, error);
}

/* Removes what a supervisor that runs has on disk. The status file stays when it says why the supervisor gave up. */
static void clean_up(struct service *service, const struct settings *settings, bool keep_status)
{
	sockets_unlink(&service->sockets);
	readiness_unlink(service->supervisor.notify_address);
	if (!keep_status)
		unlink(settings->status_file);
	unlink(settings->pid_file);
}

static void log_start(const struct settings *settings)
{
	AUTO_FREE char *pid = xasprintf("%d", (int)getpid());

	log_info("Supervisor started", "pid", pid, "directory", settings->directory, "command", settings->command[0]);
}

/* Returns the exit status. */
static int operate(struct service *service)
{
	loop_run(service);
	int status = service->supervisor.exit_status;
	log_info("Exiting");
	clean_up(service, service->settings, status != 0);
	return status;
}

/* Runs in the process that stays: in the background, release lets the caller end. */
static int run(struct service *service, int release)
{
	const struct settings *settings = service->settings;
	struct error error;
	int status = 0;

	if (publish(service, settings, &error))
		status = options_complain(&serve_tool, &error);
	if (release >= 0)
		daemon_release(release, status);
	if (status) {
		clean_up(service, settings, false);
		return status;
	}
	log_start(settings);
	return operate(service);
}

static void set_up(struct service *service, struct settings *settings)
{
	*service = (struct service){
		.settings = settings,
		.supervisor = {.settings = settings,
			       .sockets = &service->sockets,
			       .identity = &service->identity,
			       .output = &service->output,
			       .phase = PHASE_PAUSE,
			       .failures = 1},
		.output = {.fd = -1, .read_end = -1, .console = -1},
		.events = EVENTS_CLOSED,
		.reexec = service->reexec,
		.pid_file = -1,
		.messages = -1,
	};
}

static void release_service(struct service *service)
{
	reexec_free(&service->reexec);
	supervisor_free(&service->supervisor);
	sockets_close(&service->sockets);
	identity_free(&service->identity);
	output_close(&service->output);
	events_close(&service->events);
	cleanup_close(&service->messages);
	cleanup_close(&service->pid_file);
}

/* Returns 0 with the exit status of the process, or -1. */
static int serve(struct service *service, struct inherited *inherited, int *ret_status, struct error *error)
{
	const struct settings *settings = service->settings;
	int release = -1, side = 0;

	int failed = acquire(service, inherited, error);
	if (!failed && settings->daemonize)
		side = daemon_fork(&release, ret_status, error);
	if ((failed || side < 0) && service->pid_file >= 0)
		clean_up(service, settings, false);
	if (failed || side)
		return failed || side < 0 ? -1 : 0;
	if (settings->daemonize) {
		output_detach(&service->output);
		unsetenv("NOTIFY_SOCKET"); /* it is the caller's */
	}
	*ret_status = run(service, release);
	return 0;
}

/* Goes on where the program that this one replaces was; a trial only says that it could. */
static int resume(struct service *service, int *ret_status, struct error *error)
{
	struct supervisor *supervisor = &service->supervisor;

	if (settings_read_values(service->settings, service->settings->options, error) || read_identity(service, error) ||
	    (!service->reexec.is_trial && loop_open_events(&service->events, error)) || reexec_resume(service, error))
		return -1;
	if (service->reexec.is_trial) {
		service->output.started_at = 0; /* what takes it is not of this process */
		*ret_status = reexec_agree();
		return 0;
	}
	reexec_note(service, service->reexec.why);
	report_resumption(supervisor);
	*ret_status = operate(service);
	return 0;
}

static int act(struct service *service, int *ret_status, struct error *error)
{
	const struct settings *settings = service->settings;

	*ret_status = 0;
	if (option_flag(settings->options, OPT_DO_STOP))
		return control_stop(settings, error);
	if (option_flag(settings->options, OPT_DO_RESTART))
		return control_restart(settings, error);
	if (option_flag(settings->options, OPT_DO_REEXEC))
		return control_reexec(settings, error);
	if (!settings->command[0]) {
		error_set(error, ERROR_USAGE, "no command to run");
		return error_hint(error, "give the server and its arguments after --");
	}
	AUTO_INHERITED struct inherited inherited = {0};
	if (inherited_take(&inherited, error))
		return -1;
	if (settings->daemonize) /* whoever waits for the end of a pipe is not to wait for a daemon */
		close_range(SOCKETS_FIRST + (unsigned)inherited.count, ~0U, 0);
	return serve(service, &inherited, ret_status, error);
}

int serve_main(int argc, char **argv)
{
	AUTO_SETTINGS struct settings settings = {0};
	AUTO(release_service) struct service service = {0};
	struct options options;
	struct error error;

	reexec_prepare(&service.reexec, argc, argv);
	set_up(&service, &settings);
	unsetenv("DEWY_INTERVAL"); /* in an environment file that dewy watch shares, it is the pause between two checks */
	int status = options_start(&options, &serve_tool, SERVE, 0, argc, argv);
	if (status >= 0) {
		reexec_go_back(&service.reexec, "it does not take the options");
		return status;
	}
	settings.options = &options;
	int failed = service.reexec.inherited >= 0 ? resume(&service, &status, &error)
						    : settings_read(&settings, &options, &error) || act(&service, &status, &error);
	if (failed) {
		reexec_go_back(&service.reexec, error.message);
		status = options_complain(&serve_tool, &error);
	}
	option_free(&options);
	return status;
}
