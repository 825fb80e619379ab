/* SPDX-License-Identifier: MIT */
#include "restart/systemctl.h"

#include "error.h"
#include "proc.h"
#include "str.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOW_MS = 10000, OUTPUT_LIMIT = 16384, NAME_MOST = 255 };

static const struct property {
	const char *name;
	size_t offset, size; /* of a text in struct unit_state */
} properties[] = {
#define TEXT(name, member) {name, offsetof(struct unit_state, member), sizeof((struct unit_state *)NULL)->member}
	TEXT("LoadState", load),
	TEXT("ActiveState", active),
	TEXT("SubState", sub),
	TEXT("Type", type),
	TEXT("InvocationID", invocation),
	TEXT("Result", result),
	TEXT("UnitFileState", file),
	TEXT("TriggeredBy", triggered_by),
	TEXT("DropInPaths", drop_ins),
	TEXT("LastTriggerUSec", last),
	TEXT("NextElapseUSecRealtime", next),
	TEXT("NextElapseUSecMonotonic", next_after_boot),
#undef TEXT
};

int systemctl_check_name(const char *name, struct error *error)
{
	size_t length = strlen(name);

	for (const char *at = name; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr(":-_.\\@", *at))
			length = 0;
	if (length && length <= NAME_MOST && *name != '-')
		return 0;
	error_set(error, ERROR_USAGE, "--unit %s: expected the name of a service of systemd", name);
	return error_hint(error, "for example --unit hello.service");
}

static int run(const char *verb, const char *name, const char *option, long long timeout_ms, struct proc_result *result,
	       struct error *error)
{
	const char *argv[] = {"systemctl", "--no-ask-password", verb, option, "--", name, NULL};

	*result = (struct proc_result){0};
	if (proc_run(&(struct proc_spec){.argv = argv}, OUTPUT_LIMIT, timeout_ms, result, error) == 0)
		return 0;
	error->code = ERROR_CONFIG;
	return error_hint(error, "--unit needs systemd");
}

static void read_property(struct unit_state *state, const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
		if (str_equal(name, properties[i].name))
			snprintf((char *)state + properties[i].offset, properties[i].size, "%s", value);
	if (str_equal(name, "MainPID"))
		state->main_pid = (pid_t)strtol(value, NULL, 10);
	else if (str_equal(name, "NRestarts"))
		state->restarts = strtoll(value, NULL, 10);
	else if (str_equal(name, "ExecMainStatus"))
		state->status = strtoll(value, NULL, 10);
	else if (str_equal(name, "CanReload"))
		state->can_reload = str_equal(value, "yes");
}

static void read_properties(struct unit_state *state, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		char *equals = strchr(line, '=');
		if (equals) {
			*equals = '\0';
			read_property(state, line, equals + 1);
		}
	}
}

/* Says what systemctl said, or that it took too long. Returns -1. */
static int explain(const struct proc_result *result, const char *verb, const char *name, enum error_code code, struct error *error)
{
	const char *said = buf_text(result->out.length && !result->err.length ? &result->out : &result->err);

	if (result->timed_out)
		return error_set(error, code, "systemctl %s %s took too long", verb, name);
	return error_set(error, code, "systemctl %s %s: %.*s", verb, name, (int)strcspn(said, "\n"), said);
}

int systemctl_show(const char *name, struct unit_state *ret, struct error *error)
{
	static const char wanted[] = "--property=LoadState,ActiveState,SubState,Type,InvocationID,Result,MainPID,NRestarts,"
				     "ExecMainStatus,CanReload,UnitFileState,TriggeredBy,LastTriggerUSec,NextElapseUSecRealtime,"
				     "NextElapseUSecMonotonic,DropInPaths";
	struct proc_result result;

	*ret = (struct unit_state){0};
	if (run("show", name, wanted, SHOW_MS, &result, error))
		return -1;
	int failed = result.exit_code || !result.out.data;
	if (failed)
		explain(&result, "show", name, ERROR_CONFIG, error);
	else
		read_properties(ret, result.out.data);
	if (failed)
		error_hint(error, "--unit needs a systemd that runs, and one that this user may ask");
	proc_result_free(&result);
	return failed ? -1 : 0;
}

int systemctl_find(const char *name, struct unit_state *ret, struct error *error)
{
	if (systemctl_show(name, ret, error))
		return -1;
	if (str_equal(ret->load, "not-found"))
		error_set(error, ERROR_CONFIG, "systemd knows no unit %s", name);
	else if (!str_equal(ret->load, "loaded"))
		error_set(error, ERROR_CONFIG, "the unit %s cannot be started: it is %s", name, ret->load);
	else if (!*ret->type)
		return error_set(error, ERROR_CONFIG, "the unit %s is no service", name);
	else if (str_equal(ret->type, "oneshot"))
		return error_set(error, ERROR_CONFIG,
				 "the unit %s is of Type=oneshot, and has no process that could be seen serving", name);
	else
		return 0;
	return error_hint(error, "see systemctl status %s, and systemctl daemon-reload after a change", name);
}

int systemctl_do(const char *verb, const char *name, long long timeout_ms, struct error *error)
{
	struct proc_result result;

	if (run(verb, name, "--no-pager", timeout_ms, &result, error))
		return -1;
	const char *said = buf_text(&result.err);
	bool tried = result.timed_out || (str_starts(said, "Job for ") && strstr(said, " failed"));
	int failed = result.timed_out || result.exit_code;
	if (failed)
		explain(&result, verb, name, tried ? ERROR_APPLICATION : ERROR_SUPERVISOR, error);
	if (failed && !tried)
		error_hint(error, "run as root, or as a user that polkit lets manage units");
	proc_result_free(&result);
	return failed ? -1 : 0;
}
