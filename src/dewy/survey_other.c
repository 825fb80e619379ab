/* SPDX-License-Identifier: MIT */
/* A server that somebody else keeps running: a unit of systemd, a process that is signalled, one that a command restarts. */
#include "dewy/survey.h"

#include "error.h"
#include "proc.h"
#include "restart/settings.h"
#include "restart/systemctl.h"
#include "serve/status.h"
#include "str.h"
#include "time.h"

enum { CHILDREN_MOST = 256 };

static void add_process(cJSON *server, const struct root *root, pid_t pid, const struct proof *proof)
{
	json_set_bool(server, "running", pid > 0);
	if (pid <= 0)
		return;
	json_set_number(server, "pid", pid);
	survey_process(server, root, pid, proof);
}

static void add_unit(cJSON *server, const char *name, const struct root *root, const struct proof *proof)
{
	struct unit_state unit;
	struct error error;

	json_set_string(server, "unit", name);
	if (systemctl_show(name, &unit, &error)) {
		json_set_string(server, "reason", error.message);
		return;
	}
	add_process(server, root, unit.main_pid, proof);
	json_set_string(server, "state", str_equal(unit.load, "loaded") ? unit.active : unit.load);
}

/* Returns the process that showed the deployed release, 0 when it has ended. */
static pid_t find_proved(const struct proof *proof)
{
	const char *text = json_string(proof->line, "time");
	pid_t pid = (pid_t)json_number(proof->line, "worker", 0);
	long long began = pid > 0 ? proc_started_at(pid) : -1;
	time_t ended;

	return began >= 0 && text && time_parse(text, &ended) == 0 && began / 1000 <= ended ? pid : 0;
}

/* Tells the version by the child that showed it, such as a worker of nginx. */
static void add_version_of_child(cJSON *server, pid_t pid, const struct proof *proof)
{
	pid_t children[CHILDREN_MOST], proved = find_proved(proof);
	size_t count = proved && !json_string(server, "version") ? proc_children(pid, children, CHILDREN_MOST) : 0;

	for (size_t i = 0; i < count; i++)
		if (children[i] == proved) {
			json_set_string(server, "version", json_string(proof->line, "version"));
			json_set_bool(server, "is_current", proof->of_current);
		}
}

int survey_other(cJSON *server, const char *kind, const struct root *root, const struct options *options, const struct proof *proof,
		 struct error *error)
{
	const char *unit = option_string(options, OPT_UNIT), *pid_file = option_string(options, OPT_PID_FILE);
	pid_t pid = pid_file ? 0 : find_proved(proof);

	json_set_string(server, "kind", kind);
	if (str_equal(kind, restart_kind_words[RESTART_UNIT])) {
		add_unit(server, unit ? unit : json_string(proof->line, "unit"), root, proof);
		return 0;
	}
	if (pid_file && serve_is_running(pid_file, &pid, error) < 0)
		return -1;
	if (pid_file || pid)
		add_process(server, root, pid, proof);
	if (pid)
		add_version_of_child(server, pid, proof);
	return 0;
}
