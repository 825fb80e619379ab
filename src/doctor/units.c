/* SPDX-License-Identifier: MIT */
#include "doctor/units.h"

#include "alloc.h"
#include "str.h"

#include <string.h>
#include <unistd.h>

char *unit_name(const struct doctor *doctor, const char *before, const char *after)
{
	return xasprintf("%s%s%s", before, strrchr(doctor->root.path, '/') + 1, after);
}

bool units_are_here(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

bool unit_look(const char *name, struct unit_state *ret)
{
	struct error error;

	if (units_are_here() && systemctl_show(name, ret, &error) == 0 && str_equal(ret->load, "loaded"))
		return true;
	*ret = (struct unit_state){0};
	return false;
}

bool unit_has_socket(const struct unit_state *unit)
{
	return strstr(unit->triggered_by, ".socket") != NULL;
}

void unit_advise_enabling(const char *name, const struct unit_state *unit, struct verdict *verdict)
{
	struct error error;

	if ((!str_equal(unit->file, "disabled") && !str_equal(unit->file, "linked")) || unit_has_socket(unit))
		return;
	error_set(&error, ERROR_CONFIG, "%s is %s: it does not come back after a boot", name, unit->file);
	error_hint(&error, "systemctl enable %s", name);
	verdict_warn(verdict, &error);
}

void unit_tell(const struct doctor *doctor, const char *name, const struct unit_state *unit, struct verdict *verdict)
{
	bool active = str_equal(unit->active, "active") || str_equal(unit->active, "reloading");
	struct error error;

	if (active || (doctor->locked && !str_equal(unit->active, "failed")))
		verdict_ok(verdict, "%s is %s (%s), restarted %lld times by systemd", name, unit->active, unit->sub,
			   unit->restarts);
	if (active)
		unit_advise_enabling(name, unit, verdict);
	if (verdict->result != RESULT_SKIP)
		return;
	error_set(&error, ERROR_APPLICATION, "%s is %s (%s), restarted %lld times by systemd, Result=%s, ExecMainStatus=%lld", name,
		  unit->active, unit->sub, unit->restarts, unit->result, unit->status);
	error_hint(&error, "journalctl -u %s says why; systemctl restart %s tries again", name, name);
	verdict_fail(verdict, &error);
}
