/* SPDX-License-Identifier: MIT */
#include "dewy/survey.h"

#include "alloc.h"
#include "error.h"
#include "proc.h"
#include "restart/settings.h"
#include "root/release.h"
#include "serve/status.h"
#include "str.h"
#include "time.h"

static void set_version(cJSON *server, const char *version, bool is_current)
{
	json_set_string(server, "version", version);
	json_set_bool(server, "is_current", is_current);
}

/* Tells what the worker runs. Most programs are found in their release themselves; of an interpreter, the history knows: the worker
 * is the one that the last deployment proved, or began after it, and so out of the same release. */
static void add_version(cJSON *server, const struct root *root, pid_t pid, long long began, const struct proof *proof)
{
	char name[RELEASE_NAME];
	const char *release = release_of_process(root, pid, name), *text = json_string(proof->line, "time");
	time_t ended;

	AUTO_JSON cJSON *record = release ? release_record(root, release) : NULL;
	if (record)
		set_version(server, json_string(record, "release.version"), str_equal(release, proof->current));
	else if (json_number(proof->line, "worker", 0) == pid ||
		 (proof->of_current && text && time_parse(text, &ended) == 0 && began / 1000 >= ended))
		set_version(server, json_string(proof->line, "version"), proof->of_current);
}

void survey_process(cJSON *server, const struct root *root, pid_t pid, const struct proof *proof)
{
	long long began = proc_started_at(pid);
	char text[TIME_TEXT];

	if (began >= 0) {
		json_set_string(server, "since", time_format((time_t)(began / 1000), text));
		json_set_number(server, "uptime_ms", time_now() - began);
	}
	add_version(server, root, pid, began, proof);
}

static void add_worker(cJSON *server, const struct root *root, const struct serve_worker *worker, const struct proof *proof)
{
	json_set_number(server, "generation", worker->generation);
	json_set_number(server, "worker", worker->pid);
	survey_process(server, root, worker->pid, proof);
}

static cJSON *list_finishing(const struct serve_status *serve)
{
	cJSON *list = xrequire(cJSON_CreateArray());

	for (size_t i = 0; i + 1 < serve->count; i++) {
		cJSON *item = xrequire(cJSON_CreateObject());
		json_set_number(item, "generation", serve->workers[i].generation);
		json_set_number(item, "worker", serve->workers[i].pid);
		cJSON_AddItemToArray(list, item);
	}
	return list;
}

static void add_status(cJSON *server, const struct serve_status *serve)
{
	bool tells = serve->state != SERVE_UNKNOWN;

	json_set_string(server, "kind", tells ? "dewy-serve" : "start_server");
	json_set_string(server, "state", tells ? serve_state_words[serve->state] : NULL);
	json_set_string(server, "reason", serve->reason[0] ? serve->reason : NULL);
	json_set(server, "finishing", list_finishing(serve));
}

/* Adds the supervisor of the pid file. Returns 1 when there is one, 0 when not, or -1. */
static int add_supervisor(cJSON *server, const struct root *root, const struct options *options, const struct proof *proof,
			  struct error *error)
{
	AUTO_FREE char *pid_file = serve_pid_file(options, root), *status_file = serve_status_file(options, root);
	AUTO_SERVE_STATUS struct serve_status serve = {0};
	pid_t pid = 0;
	struct error unread;
	int running = serve_is_running(pid_file, &pid, error);

	json_set_bool(server, "running", running > 0);
	if (running <= 0)
		return running;
	json_set_number(server, "pid", pid);
	if (serve_status_read(status_file, &serve, &unread))
		return 1; /* one that keeps its status file elsewhere, or has not written it yet */
	add_status(server, &serve);
	if (serve.count)
		add_worker(server, root, serve_status_newest(&serve), proof);
	return 1;
}

/* The options say what keeps the server running; without them, a supervisor that runs does, or else what the last restart went
 * through. */
int survey_server(cJSON *survey, const struct root *root, const struct options *options, const struct proof *proof,
		  struct error *error)
{
	const char *kind = restart_kind_words[restart_kind(options)], *recorded = json_string(proof->line, "kind");
	cJSON *server = xrequire(cJSON_CreateObject());
	int running = 0;

	json_set(survey, "server", server);
	if (restart_kind(options) == RESTART_SUPERVISOR)
		running = add_supervisor(server, root, options, proof, error);
	if (!running && restart_kind(options) == RESTART_SUPERVISOR && recorded)
		kind = recorded;
	if (running || str_equal(kind, restart_kind_words[RESTART_SUPERVISOR]))
		return running < 0 ? -1 : 0;
	cJSON_DeleteItemFromObjectCaseSensitive(server, "running");
	return survey_other(server, kind, root, options, proof, error);
}
