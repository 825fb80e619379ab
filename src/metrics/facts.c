/* SPDX-License-Identifier: MIT */
#include "metrics/facts.h"

#include "alloc.h"
#include "document.h"
#include "error.h"
#include "restart/settings.h"
#include "root/limits.h"
#include "root/rejected.h"
#include "root/release.h"
#include "root/state.h"
#include "serve/status.h"
#include "str.h"
#include "time.h"

#include <unistd.h>

/* A text of one object that becomes a label. */
struct copy {
	const char *label, *from;
};

/* Sets the object at path to the texts of from, without those that are empty. */
static void set_labels(cJSON *state, const char *path, const cJSON *from, const struct copy *copies)
{
	cJSON *labels = xrequire(cJSON_CreateObject());

	for (; copies->label; copies++) {
		const char *text = json_string(from, copies->from);
		if (text && *text)
			json_set_string(labels, copies->label, text);
	}
	json_set(state, path, labels);
}

static void add_names(cJSON *state, const cJSON *document)
{
	static const struct copy common[] = {{"app", "app"}, {"root", "root"}, {NULL, NULL}};

	set_labels(state, "labels", document, common);
	json_set_string(state, "build.version", PACKAGE_VERSION);
	json_set_string(state, "build.commit", DEWY_COMMIT);
}

/* What current leads to. */
static void add_release(cJSON *state, const struct root *root)
{
	static const struct copy copies[] = {{"version", "release.version"}, {"slot", "release.slot"},      {"mode", "mode"},
					     {"artifact", "artifact.name"},  {"digest", "artifact.digest"}, {NULL, NULL}};
	char current[RELEASE_NAME];
	struct error error;
	AUTO_JSON cJSON *record = release_current(root, current, &error) == 0 ? release_record(root, current) : NULL;

	if (record)
		set_labels(state, "release", record, copies);
	else
		json_set_string(state, "release", NULL);
}

/* What the check has found: not when it took up what is deployed, without asking. */
static void add_available(cJSON *state, const cJSON *document)
{
	static const struct copy copies[] = {{"version", "release.version"}, {"artifact", "artifact.name"}, {NULL, NULL}};

	if (!json_get(document, "check") || !json_string(document, "release.version") || json_true(document, "deploy.reused"))
		return;
	set_labels(state, "available", document, copies);
	json_set_number(state, "stale", json_true(document, "check.stale"));
}

static void set_time(cJSON *state, const char *path, const char *text)
{
	long long when;

	if (text && time_parse_ms(text, &when) == 0 && when >= 0)
		json_set_number(state, path, when);
	else
		json_set_string(state, path, NULL);
}

static void add_registry(cJSON *state, const struct root *root, const cJSON *document)
{
	AUTO_JSON cJSON *registry = state_read(root, STATE_REGISTRY);
	long long limit = json_number(document, "check.requests_limit", -1);
	long long left = json_number(document, "check.requests_left", -1);
	const char *reset_at = json_string(document, "check.requests_reset_at");

	set_time(state, "paused_until", json_string(limits_longest(registry), "until"));
	if (limit < 0 || left < 0 || !reset_at)
		return;
	json_set_number(state, "quota.limit", limit);
	json_set_number(state, "quota.left", left);
	set_time(state, "quota.reset_at", reset_at);
}

static void add_rejected(cJSON *state, const struct root *root)
{
	struct error error;
	AUTO_JSON cJSON *rejected = rejected_read(root, &error);

	if (rejected)
		json_set_number(state, "rejected", cJSON_GetArraySize(rejected));
}

/* Counts the generations since the last look: those of a new supervisor are all new. */
static void add_generations(cJSON *state, pid_t pid, long long generation)
{
	long long before = json_number(state, "server.supervisor", 0), known = json_number(state, "server.started", 0);
	long long restarts = json_number(state, "server.restarts", 0);

	if (before == pid && generation > known)
		restarts += generation - known;
	else if (before && before != pid)
		restarts += generation;
	json_set_number(state, "server.restarts", restarts);
	json_set_number(state, "server.supervisor", pid);
	json_set_number(state, "server.started", generation);
}

static void add_supervisor(cJSON *state, const struct root *root, const struct options *options, pid_t pid)
{
	AUTO_FREE char *status_file = serve_status_file(options, root);
	AUTO_SERVE_STATUS struct serve_status serve = {0};
	struct error error;

	if (!pid || serve_status_read(status_file, &serve, &error)) {
		json_set_string(state, "server.generation", NULL);
		return;
	}
	const struct serve_worker *serving = serve_status_newest(&serve);
	json_set_number(state, "server.generation", serving ? serving->generation : 0);
	add_generations(state, pid, serve_status_generation(&serve));
}

/* A unit of systemd and what a command restarts are for others to watch: asking for them would take a process at each run. */
static void add_server(cJSON *state, const struct root *root, const struct options *options, const cJSON *document)
{
	enum restart_kind kind = restart_kind(options);
	AUTO_FREE char *pid_file = serve_pid_file(options, root);
	struct error error;
	pid_t pid = 0;

	if (!str_equal(json_string(document, "mode"), "server") || (kind != RESTART_SUPERVISOR && kind != RESTART_PROCESS))
		return;
	if (!(option_specs[OPT_PID_FILE].users & options->user) && access(pid_file, F_OK))
		return; /* a tool that is not told where it is */
	int running = serve_is_running(pid_file, &pid, &error);
	if (running < 0)
		return;
	json_set_number(state, "server.running", running);
	if (kind == RESTART_SUPERVISOR)
		add_supervisor(state, root, options, running ? pid : 0);
}

void facts_add(cJSON *state, const struct root *root, const struct options *options, const cJSON *document)
{
	add_names(state, document);
	add_release(state, root);
	add_available(state, document);
	add_registry(state, root, document);
	add_rejected(state, root);
	add_server(state, root, options, document);
}
