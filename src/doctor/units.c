/* SPDX-License-Identifier: MIT */
#include "doctor/units.h"

#include "alloc.h"
#include "proc.h"
#include "str.h"

#include <string.h>

enum { OUTPUT_LIMIT = 65536, ANSWER_MS = 5000 };

bool units_are_here(void)
{
	const char *const argv[] = {"systemctl", "--version", NULL};
	struct proc_result result;
	struct error error;

	if (access("/run/systemd/system", F_OK) ||
	    proc_run(&(struct proc_spec){.argv = argv}, OUTPUT_LIMIT, ANSWER_MS, &result, &error))
		return false;
	bool works = !result.timed_out && result.exit_code == 0;
	proc_result_free(&result);
	return works;
}

char *unit_name(const struct doctor *doctor, const char *before, const char *after)
{
	return xasprintf("%s%s%s", before, strrchr(doctor->root.path, '/') + 1, after);
}

/* Reads NAME=VALUE lines, which it changes. */
static void read_properties(char *text, cJSON *unit)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		char *equals = strchr(line, '=');
		if (!equals)
			continue;
		*equals = '\0';
		json_set_string(unit, line, equals + 1);
	}
}

cJSON *unit_read(const char *name)
{
	const char *const argv[] = {"systemctl", "show", "--no-pager", "--property",
				    "LoadState,ActiveState,SubState,UnitFileState,NRestarts,Result,ExecMainStatus,LastTriggerUSec,"
				    "NextElapseUSecRealtime,NextElapseUSecMonotonic",
				    "--", name, NULL};
	cJSON *unit = xrequire(cJSON_CreateObject());
	struct proc_result result;
	struct error error;

	if (proc_run(&(struct proc_spec){.argv = argv}, OUTPUT_LIMIT, ANSWER_MS, &result, &error))
		return unit;
	if (!result.timed_out && result.exit_code == 0 && result.out.length)
		read_properties(result.out.data, unit);
	proc_result_free(&result);
	if (str_equal(unit_get(unit, "LoadState"), "loaded"))
		return unit;
	cJSON_Delete(unit);
	return xrequire(cJSON_CreateObject());
}

const char *unit_get(const cJSON *unit, const char *property)
{
	const char *value = json_string(unit, property);

	return value ? value : "";
}
