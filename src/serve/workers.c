/* SPDX-License-Identifier: MIT */
#include "serve/workers.h"

#include "alloc.h"
#include "buf.h"
#include "cleanup.h"
#include "handover.h"
#include "log.h"
#include "serve/status.h"
#include "time.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

void workers_add(struct workers *workers, long long generation, pid_t pid)
{
	workers->list = xreallocarray(workers->list, workers->count + 1, sizeof *workers->list);
	workers->list[workers->count++] = (struct worker){
		.generation = generation,
		.pid = pid,
		.role = ROLE_NEW,
		.started_at = time_monotonic(),
		.kill_at = NEVER,
	};
}

void workers_remove(struct workers *workers, pid_t pid)
{
	struct worker *worker = workers_find(workers, pid);

	if (!worker)
		return;
	size_t after = (size_t)(workers->list + workers->count - worker) - 1;
	memmove(worker, worker + 1, after * sizeof *worker);
	workers->count--;
}

static struct worker *find_exactly(const struct workers *workers, pid_t pid)
{
	for (size_t i = 0; i < workers->count; i++)
		if (workers->list[i].pid == pid)
			return &workers->list[i];
	return NULL;
}

struct worker *workers_find(const struct workers *workers, pid_t pid)
{
	struct worker *worker = find_exactly(workers, pid);
	pid_t group = worker || pid <= 0 ? -1 : getpgid(pid);

	return group > 0 ? find_exactly(workers, group) : worker;
}

struct worker *workers_in_role(const struct workers *workers, enum role role)
{
	for (size_t i = workers->count; i-- > 0;)
		if (workers->list[i].role == role)
			return &workers->list[i];
	return NULL;
}

void worker_dismiss(struct worker *worker, int signal, long long timeout)
{
	long long kill_at = time_monotonic() + timeout;

	kill(worker->pid, signal);
	if (kill_at < worker->kill_at)
		worker->kill_at = kill_at;
}

void workers_kill_overdue(struct workers *workers)
{
	long long now = time_monotonic();

	for (size_t i = 0; i < workers->count; i++) {
		struct worker *worker = &workers->list[i];
		if (worker->kill_at > now)
			continue;
		AUTO_FREE char *pid = xasprintf("%d", (int)worker->pid);
		log_warn("Worker does not end, sending KILL", "pid", pid);
		kill(-worker->pid, SIGKILL); /* with the processes it started, as they have the sockets, too */
		kill(worker->pid, SIGKILL);
		worker->kill_at = NEVER;
	}
}

long long workers_next_kill(const struct workers *workers)
{
	long long next = NEVER;

	for (size_t i = 0; i < workers->count; i++)
		if (workers->list[i].kill_at < next)
			next = workers->list[i].kill_at;
	return next;
}

static void add_pids(const struct workers *workers, bool all, struct buf *buf)
{
	size_t before = buf->length;

	for (size_t i = 0; i < workers->count; i++)
		if (all || workers->list[i].role == ROLE_OLD)
			buf_printf(buf, "%s%d", buf->length > before ? "," : "", (int)workers->list[i].pid);
	if (buf->length == before)
		buf_puts(buf, "none");
}

void workers_add_pids(const struct workers *workers, struct buf *buf)
{
	add_pids(workers, true, buf);
}

void workers_add_old_pids(const struct workers *workers, struct buf *buf)
{
	add_pids(workers, false, buf);
}

void workers_fill_status(const struct workers *workers, struct serve_status *status)
{
	for (size_t i = 0; i < workers->count; i++) {
		const struct worker *worker = &workers->list[i];
		struct serve_worker line = {worker->generation, worker->pid};
		if (worker->role == ROLE_NEW && !worker->up)
			status->starting = line;
		if (worker->role == ROLE_DISCARDED || (worker->role == ROLE_NEW && !worker->up))
			continue;
		status->workers = xreallocarray(status->workers, status->count + 1, sizeof *status->workers);
		status->workers[status->count++] = line;
	}
}

void workers_hand_over(struct workers *workers, const struct handover *handover)
{
	static const char *const words[ROLE_COUNT] = {
		[ROLE_NEW] = "new", [ROLE_CURRENT] = "current", [ROLE_OLD] = "old", [ROLE_DISCARDED] = "discarded"};
	size_t count = handover_list(handover, "workers", workers->count);

	for (size_t i = 0; i < count; i++) {
		struct handover item = handover_item(handover, "workers", i);
		if (handover->state->reads)
			workers_add(workers, 0, 0);
		struct worker *worker = &workers->list[i];
		int role = (int)worker->role;
		handover_number(&item, "generation", &worker->generation);
		handover_int(&item, "pid", &worker->pid);
		handover_word(&item, "role", words, ROLE_COUNT, &role);
		worker->role = (enum role)role;
		handover_flag(&item, "up", &worker->up);
		handover_flag(&item, "speaks", &worker->speaks);
		handover_number(&item, "started_at", &worker->started_at);
		handover_number(&item, "kill_at", &worker->kill_at);
	}
}

void workers_free(struct workers *workers)
{
	free(workers->list);
	*workers = (struct workers){0};
}
