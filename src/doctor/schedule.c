/* SPDX-License-Identifier: MIT */
/* Who runs dewy again and again, and the units of systemd for that and for the server. */
#include "doctor/runners.h"
#include "doctor/units.h"

#include "alloc.h"
#include "str.h"

/* What the last run that the timer started came to. */
static void look_at_last_run(const struct doctor *doctor, struct verdict *verdict)
{
	AUTO_FREE char *name = unit_name(doctor, "dewy@", ".service");
	struct unit_state unit;
	struct error error;

	if (!unit_look(name, &unit) || str_equal(unit.result, "success"))
		return;
	error_set(&error, ERROR_APPLICATION, "the last run ended with %s, status %lld", unit.result, unit.status);
	error_hint(&error, "journalctl -u %s says why", name);
	verdict_warn(verdict, &error);
}

static void tell_times(const char *name, const struct unit_state *timer, struct verdict *verdict)
{
	verdict_ok(verdict, "%s is active", name);
	if (*timer->last && !str_equal(timer->last, "n/a"))
		verdict_ok(verdict, "last at %s", timer->last);
	if (*timer->next)
		verdict_ok(verdict, "next at %s", timer->next);
	else if (*timer->next_after_boot && !str_equal(timer->next_after_boot, "infinity"))
		verdict_ok(verdict, "next %s after the boot", timer->next_after_boot);
}

/* Returns true when the timer runs dewy. */
static bool timer_runs(const struct doctor *doctor, struct verdict *verdict)
{
	AUTO_FREE char *name = unit_name(doctor, "dewy@", ".timer");
	struct unit_state timer;

	if (!unit_look(name, &timer) || !str_equal(timer.active, "active"))
		return false;
	tell_times(name, &timer, verdict);
	unit_advise_enabling(name, &timer, verdict);
	look_at_last_run(doctor, verdict);
	return true;
}

void doctor_schedule(struct doctor *doctor, struct verdict *verdict)
{
	struct error error;

	if (!doctor->rooted) {
		verdict_skip(verdict, "there is no root to look into");
		return;
	}
	if (timer_runs(doctor, verdict) || watch_runs(doctor, verdict) || cron_runs(doctor, verdict))
		return;
	AUTO_FREE char *timer = unit_name(doctor, "dewy@", ".timer");
	error_set(&error, ERROR_CONFIG, "nobody runs dewy: no timer, no line for cron, no dewy watch");
	if (units_are_here())
		error_hint(&error, "systemctl enable --now %s, or a line for cron; dewy(1) has both", timer);
	else
		error_hint(&error, "add a line for cron, or keep dewy watch running; dewy(1) has both");
	verdict_warn(verdict, &error);
}

/* A socket of its own is optional. */
static void look_at_socket(const struct doctor *doctor, struct verdict *verdict)
{
	AUTO_FREE char *name = unit_name(doctor, "dewy-serve@", ".socket");
	struct unit_state socket;
	struct error error;

	if (!unit_look(name, &socket) || (!str_equal(socket.active, "active") && !str_equal(socket.file, "enabled")))
		return;
	if (str_equal(socket.active, "active")) {
		verdict_ok(verdict, "%s holds its sockets", name);
		unit_advise_enabling(name, &socket, verdict);
		return;
	}
	error_set(&error, ERROR_APPLICATION, "%s is enabled, but %s (%s), Result=%s", name, socket.active, socket.sub,
		  socket.result);
	error_hint(&error, "systemctl restart %s, once nobody else listens on its ports", name);
	verdict_warn(verdict, &error);
}

void doctor_service(struct doctor *doctor, struct verdict *verdict)
{
	if (!doctor->rooted) {
		verdict_skip(verdict, "there is no root to look into");
		return;
	}
	AUTO_FREE char *name = unit_name(doctor, "dewy-serve@", ".service");
	struct unit_state unit;

	if (!unit_look(name, &unit) || (str_equal(unit.active, "inactive") && !str_equal(unit.file, "enabled")))
		verdict_skip(verdict, "systemd runs no unit %s here", name);
	else
		unit_tell(doctor, name, &unit, verdict);
	look_at_socket(doctor, verdict);
}
