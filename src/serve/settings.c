/* SPDX-License-Identifier: MIT */
#include "serve/settings.h"

#include "alloc.h"
#include "cleanup.h"
#include "error.h"
#include "fs.h"
#include "handover.h"
#include "log.h"
#include "proc.h"
#include "root/root.h"
#include "serve/envdir.h"
#include "serve/status.h"
#include "str.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { DELAY_WITH_AUTO_RESTART_MS = 5000, PAUSE_FIRST_MS = 1000, PAUSE_MOST_MS = 60000 };

static int make_absolute(char **ret, const char *path, struct error *error)
{
	if (path && !(*ret = fs_absolute_path(path)))
		return error_errno(error, errno, "cannot find the working directory");
	return 0;
}

static bool is_no_file(const char *log_file)
{
	return log_file && (str_equal(log_file, "-") || log_file[strspn(log_file, " \t")] == '|');
}

/* Sets a file of the supervisor: where the option says, or name in ROOT/.dewy. */
static int set_file(char **ret, const struct options *options, size_t id, const struct root *root, const char *name,
		    struct error *error)
{
	const char *given = option_string(options, id);

	if (!given && root->path)
		*ret = root_state_path(root, name);
	return make_absolute(ret, given, error);
}

/* Returns the pid file's name with .notify in place of .pid. */
static char *notify_file(const char *pid_file)
{
	size_t length = strlen(pid_file) - (str_ends(pid_file, ".pid") ? strlen(".pid") : 0);

	return xasprintf("%.*s.notify", (int)length, pid_file);
}

static int set_files(struct settings *settings, const struct root *root, struct error *error)
{
	const struct options *options = settings->options;
	const char *log_file = option_string(options, OPT_LOG_FILE);
	const char *envdir = option_string(options, OPT_ENVDIR);

	if (set_file(&settings->pid_file, options, OPT_PID_FILE, root, SERVE_PID_FILE, error) ||
	    set_file(&settings->status_file, options, OPT_STATUS_FILE, root, SERVE_STATUS_FILE, error) ||
	    make_absolute(&settings->envdir, envdir ? envdir : getenv("ENVDIR"), error))
		return -1;
	settings->notify_file = notify_file(settings->pid_file);
	if (is_no_file(log_file))
		settings->log_file = xstrdup(log_file);
	else if (log_file || settings->daemonize)
		return set_file(&settings->log_file, options, OPT_LOG_FILE, root, "serve.log", error);
	return 0;
}

static int set_directory(struct settings *settings, const struct root *root, struct error *error)
{
	const char *given = option_string(settings->options, OPT_DIRECTORY);

	if (given || !option_given(settings->options, OPT_ROOT))
		return make_absolute(&settings->directory, given ? given : ".", error);
	settings->directory = xstrdup(root->path);
	settings->root = xstrdup(root->path);
	return 0;
}

/* True when all files of the supervisor were placed by hand, so that it need not have a ROOT. */
static bool needs_no_root(const struct settings *settings)
{
	const struct options *options = settings->options;

	return !option_given(options, OPT_ROOT) && option_given(options, OPT_PID_FILE) && option_given(options, OPT_STATUS_FILE) &&
	       (option_given(options, OPT_LOG_FILE) || !settings->daemonize);
}

static int set_paths(struct settings *settings, struct error *error)
{
	AUTO_ROOT struct root root = {.fd = -1, .state = -1, .releases = -1};

	if (!needs_no_root(settings) &&
	    (root_open(&root, option_string(settings->options, OPT_ROOT), error) || root_prepare(&root, error)))
		return -1;
	return set_files(settings, &root, error) || set_directory(settings, &root, error) ? -1 : 0;
}

static int set_signal(int *ret, const struct options *options, size_t id, const char *option, struct error *error)
{
	const char *name = option_string(options, id);

	*ret = proc_signal_number(name);
	if (*ret > 0)
		return 0;
	error_set(error, ERROR_USAGE, "--%s %s: no such signal", option, name);
	return error_hint(error, "give HUP, INT, QUIT, TERM, USR1, USR2 or WINCH");
}

int settings_read_values(struct settings *ret, const struct options *options, struct error *error)
{
	*ret = (struct settings){
		.options = options,
		.command = options->rest,
		.interval = option_number(options, OPT_SERVE_INTERVAL),
		.ready_timeout = option_number(options, OPT_READY_TIMEOUT),
		.kill_timeout = option_number(options, OPT_KILL_TIMEOUT),
		.max_start_failures = option_number(options, OPT_MAX_START_FAILURES),
		.require_ready = option_flag(options, OPT_REQUIRE_READY),
		.give_up = option_flag(options, OPT_GIVE_UP),
		.daemonize = option_flag(options, OPT_DAEMONIZE),
	};
	if (set_signal(&ret->signal_on_hup, options, OPT_SIGNAL_ON_HUP, "signal-on-hup", error) ||
	    set_signal(&ret->signal_on_term, options, OPT_SIGNAL_ON_TERM, "signal-on-term", error))
		return -1;
	return 0;
}

int settings_read(struct settings *ret, const struct options *options, struct error *error)
{
	return settings_read_values(ret, options, error) || set_paths(ret, error) ? -1 : 0;
}

void settings_hand_over(struct settings *settings, const struct handover *handover)
{
	handover_string(handover, "directory", &settings->directory);
	handover_string(handover, "root", &settings->root);
	handover_string(handover, "pid_file", &settings->pid_file);
	handover_string(handover, "status_file", &settings->status_file);
	handover_string(handover, "log_file", &settings->log_file);
	handover_string(handover, "envdir", &settings->envdir);
	if (!settings->directory || !settings->pid_file || !settings->status_file)
		handover_refuse(handover, "directory");
}

long long settings_pause(long long failures)
{
	if (failures <= 0)
		return 0;
	return failures > 6 ? PAUSE_MOST_MS : PAUSE_FIRST_MS << (failures - 1);
}

void settings_free(struct settings *settings)
{
	free(settings->directory);
	free(settings->root);
	free(settings->pid_file);
	free(settings->status_file);
	free(settings->notify_file);
	free(settings->log_file);
	free(settings->envdir);
	*settings = (struct settings){0};
}

/* Sets a duration from the envdir, or, unless an option is given, from the environment. */
static void control_duration(const struct settings *settings, const struct envdir *envdir, size_t id, const char *name,
			     long long *value)
{
	const char *text = envdir_get(envdir, name);

	if (!text && option_given(settings->options, id))
		*value = option_number(settings->options, id);
	else if (!text)
		text = getenv(name);
	if (text && *text && str_to_duration(text, value))
		log_warn("Ignoring what is no duration", "name", name, "value", text);
}

struct controls settings_controls(const struct settings *settings, const struct envdir *envdir)
{
	const char *text = envdir_get(envdir, "ENABLE_AUTO_RESTART");
	bool option = option_flag(settings->options, OPT_ENABLE_AUTO_RESTART);

	if (!text && !option)
		text = getenv("ENABLE_AUTO_RESTART");
	struct controls controls = {
		.auto_restart = text ? *text && !str_equal(text, "0") : option,
		.auto_restart_interval = option_number(settings->options, OPT_AUTO_RESTART_INTERVAL),
	};
	controls.kill_old_delay = controls.auto_restart ? DELAY_WITH_AUTO_RESTART_MS : 0;
	control_duration(settings, envdir, OPT_AUTO_RESTART_INTERVAL, "AUTO_RESTART_INTERVAL", &controls.auto_restart_interval);
	control_duration(settings, envdir, OPT_KILL_OLD_DELAY, "KILL_OLD_DELAY", &controls.kill_old_delay);
	if (controls.auto_restart_interval < 1000)
		controls.auto_restart_interval = 1000;
	return controls;
}
