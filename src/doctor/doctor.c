/* SPDX-License-Identifier: MIT */
#include "doctor/doctor.h"

#include "doctor/print.h"
#include "registry/session.h"
#include "root/release.h"
#include "str.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* In the order in which one needs what another has found out. The names are an interface. */
static const struct {
	const char *name;
	doctor_check *look;
} checks[] = {
	{"programs", doctor_programs},
	{"kernel", doctor_kernel},
	{"root", doctor_root},
	{"lock", doctor_lock},
	{"current", doctor_current},
	{"leftovers", doctor_leftovers},
	{"cache", doctor_cache},
	{"secrets", doctor_secrets},
	{"url", doctor_url},
	{"trust", doctor_trust},
	{"proxy", doctor_proxy},
	{"credentials", doctor_credentials},
	{"registry", doctor_registry},
	{"release", doctor_release},
	{"signatures", doctor_signatures},
	{"permissions", doctor_permissions},
	{"limit", doctor_limit},
	{"clock", doctor_clock},
	{"disk", doctor_disk},
	{"command", doctor_command},
	{"user", doctor_user},
	{"restart", doctor_restart},
	{"supervisor", doctor_supervisor},
	{"worker", doctor_worker},
	{"ports", doctor_ports},
	{"health", doctor_health},
	{"schedule", doctor_schedule},
	{"service", doctor_service},
	{"notifiers", doctor_notifiers},
	{"metrics", doctor_metrics},
};

const char *doctor_app(const struct doctor *doctor)
{
	const char *given = option_string(doctor->options, OPT_APP);
	const char *slash = doctor->root.path ? strrchr(doctor->root.path, '/') : NULL;

	return given ? given : slash ? slash + 1 : "";
}

bool doctor_is_deployed(const struct doctor *doctor)
{
	char name[RELEASE_NAME];
	struct error error;

	return doctor->rooted && release_current(&doctor->root, name, &error) == 0;
}

void doctor_note_time(struct doctor *doctor)
{
	struct http *http = doctor->registry.session.http;

	if (!http || !http_header(http, "Date", 0))
		return;
	doctor->dated = true;
	doctor->ahead = http_clock_ahead(http);
}

static void close_all(struct doctor *doctor)
{
	choice_free(&doctor->choice);
	session_close(&doctor->registry.session);
	registry_close(&doctor->registry);
	root_close(&doctor->root);
}

/* Returns the exit status. */
static int look_at_all(struct doctor *doctor)
{
	AUTO_PRINT struct print print = print_begin(option_flag(doctor->options, OPT_JSON));
	enum error_code first = ERROR_NONE;

	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
		AUTO_VERDICT struct verdict verdict = {0};
		checks[i].look(doctor, &verdict);
		print_verdict(&print, checks[i].name, &verdict);
		first = first == ERROR_NONE ? verdict.code : first;
	}
	print_end(&print);
	return error_status(first);
}

int doctor_main(int argc, char **argv)
{
	static const struct tool tool = {"dewy-doctor", "[-- COMMAND...]",
					 "Looks at all that a run needs, and says what is wrong and what to do"};
	struct options options;
	struct error error;

	signal(SIGPIPE, SIG_IGN);
	int status = options_start(&options, &tool, DOCTOR, 0, argc, argv);
	if (status >= 0)
		return status;
	struct doctor doctor = {
		.options = &options,
		.kind = restart_kind(&options),
		.server = str_equal(restart_mode(&options), "server"),
		.root = {.fd = -1, .state = -1, .releases = -1},
		.artifact_size = -1,
	};
	status = look_at_all(&doctor);
	close_all(&doctor);
	option_free(&options);
	if (fflush(stdout) == 0)
		return status;
	error_errno(&error, errno, "cannot write to standard output");
	return options_complain(&tool, &error);
}
