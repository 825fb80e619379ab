/* SPDX-License-Identifier: MIT */
#include "restart/processes.h"

#include "error.h"
#include "proc.h"
#include "time.h"

enum {
	CLOCK_MS = 20, /* the age of a process is not exact */
	NOBODY = -1,   /* a process that is none, and so never up for any time */
};

int processes_read(struct processes *processes, struct error *error)
{
	if (processes->pid_file && serve_is_running(processes->pid_file, &processes->main, error) < 0)
		return -1;
	return processes->main > 0;
}

static const char *release_path_of(const struct server *server)
{
	return json_string(server->run->document, "deploy.path");
}

void processes_remember(struct processes *processes, const struct server *server)
{
	processes->told_at = time_monotonic();
	processes->count = 0;
	processes->first = 0;
	processes->left = false;
	processes->by_child = false;
	processes->ran_release = processes->main > 0 && proc_runs_below(processes->main, release_path_of(server));
	if (processes->main <= 0)
		return;
	processes->older[processes->count++] = processes->main;
	processes->count += proc_children(processes->main, processes->older + 1, PROCESSES_MOST - 1);
}

void processes_plan(const struct processes *processes, const struct server *server)
{
	server_expect(server,
		      "a process of %s, or a child of it, that began after that, or one that runs a program of the release then",
		      processes->pid_file);
}

/* True when a living process of that age began after the server was told. */
static bool is_new(const struct processes *processes, long long age)
{
	return age >= 0 && age <= time_monotonic() - processes->told_at + CLOCK_MS;
}

bool processes_began(struct processes *processes, long long since)
{
	long long age = proc_age(processes->main);

	if (age < 0 || age + CLOCK_MS > time_monotonic() - since)
		return false;
	*processes = (struct processes){.pid_file = processes->pid_file, .main = processes->main, .told_at = since};
	return true;
}

/* Returns the child of the main process that began first of those that began after the server was told, 0 for none. */
static pid_t find_child(const struct processes *processes)
{
	pid_t children[PROCESSES_MOST], found = 0;
	size_t count = proc_children(processes->main, children, PROCESSES_MOST);
	long long oldest = -1;

	for (size_t i = 0; i < count; i++) {
		long long age = proc_age(children[i]);
		if (is_new(processes, age) && age > oldest) {
			oldest = age;
			found = children[i];
		}
	}
	return found;
}

/* Returns the process that shows the new server, 0 for none. */
static pid_t find_new(const struct processes *processes, const struct server *server)
{
	if (is_new(processes, proc_age(processes->main)))
		return processes->main;
	pid_t child = find_child(processes);
	if (child)
		return child;
	return !processes->ran_release && proc_runs_below(processes->main, release_path_of(server)) ? processes->main : 0;
}

/* Makes the process that shows the new server its worker. Returns false when there is none. */
static bool show(struct processes *processes, struct server *server)
{
	pid_t pid = find_new(processes, server);

	if (!pid)
		return false;
	server->worker = (struct serve_worker){.pid = pid};
	processes->by_child = pid != processes->main;
	processes->first = processes->by_child ? 0 : pid;
	return true;
}

int processes_look(struct processes *processes, struct server *server, struct error *error)
{
	int running = processes_read(processes, error);

	if (running < 0)
		return -1;
	if (running && show(processes, server))
		return 0;
	if (running)
		error_set(error, ERROR_APPLICATION,
			  "neither the process %d nor a child of it began after that, and it runs the program that it ran",
			  (int)processes->main);
	else
		error_set(error, ERROR_APPLICATION, "no process runs of the pid file %s",
			  processes->pid_file ? processes->pid_file : "");
	return 1;
}

/* True when none but the main one of the older processes lives. */
static bool is_alone(const struct processes *processes)
{
	for (size_t i = 0; i < processes->count; i++) {
		long long age = proc_age(processes->older[i]);
		if (processes->older[i] != processes->main && age >= 0 && !is_new(processes, age))
			return false;
	}
	return true;
}

/* True when the main process that was told is that no more, and none that followed it has shown the new server. It may still be
 * ending. */
static bool has_left(const struct processes *processes)
{
	return !processes->first && processes->count && processes->main != processes->older[0];
}

/* Takes the main process that follows one that has left for the new server, or waits for it. What children of that one showed is
 * worth nothing any more: they may have been the last of the old release. Returns false when that was waited for before. */
static bool follow(struct processes *processes, struct server *server)
{
	if (processes->left && server->settled)
		return false;
	processes->left = true;
	server->settled = false;
	server->worker = (struct serve_worker){.pid = NOBODY};
	if (is_new(processes, proc_age(processes->main)))
		show(processes, server);
	return true;
}

int processes_serve(struct processes *processes, struct server *server, bool *ret_alone, struct error *error)
{
	int running = processes_read(processes, error);

	if (running < 0)
		return -1;
	*ret_alone = is_alone(processes);
	if (has_left(processes) && follow(processes, server))
		return 1;
	if (running && proc_age(server->worker.pid) >= 0)
		return 1;
	/* A child may have done its part, such as one that loads a cache, or answers once: another one shows the server as well. */
	if (running && !processes->first && (show(processes, server) || (processes->by_child && !server->settled)))
		return 1;
	error_set(error, ERROR_APPLICATION, "%s stopped again", server_version(server));
	return 0;
}
