/* SPDX-License-Identifier: MIT */
#include "serve/workers.h"

#include "alloc.h"
#include "buf.h"
#include "cleanup.h"
#include "handover.h"
#include "log.h"
#include "proc.h"
#include "serve/status.h"
#include "time.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 200 };

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

/* Its leader has ended, so nobody else tells them. */
static void dismiss_group(struct workers *workers, const struct worker *worker, long long timeout)
{
	bool waits = worker->kill_at != NEVER;

	if (worker->told == SIGKILL || kill(-worker->pid, worker->told ? worker->told : SIGTERM))
		return;
	workers->remains = xreallocarray(workers->remains, workers->remains_count + 1, sizeof *workers->remains);
	workers->remains[workers->remains_count++] = (struct remains){
		.group = worker->pid,
		.kill_at = waits ? worker->kill_at : time_monotonic() + timeout,
	};
}

void workers_remove(struct workers *workers, pid_t pid, long long timeout)
{
	struct worker *worker = workers_find(workers, pid);

	if (!worker)
		return;
	dismiss_group(workers, worker, timeout);
	size_t after = (size_t)(workers->list + workers->count - worker) - 1;
	memmove(worker, worker + 1, after * sizeof *worker);
	workers->count--;
}

bool workers_are_gone(const struct workers *workers)
{
	return workers->count == 0 && workers->remains_count == 0;
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
	worker->told = signal;
	if (kill_at < worker->kill_at)
		worker->kill_at = kill_at;
}

static void kill_workers(struct workers *workers, long long now)
{
	for (size_t i = 0; i < workers->count; i++) {
		struct worker *worker = &workers->list[i];
		if (worker->kill_at > now)
			continue;
		AUTO_FREE char *pid = xasprintf("%d", (int)worker->pid);
		log_warn("Worker does not end, sending KILL", "pid", pid);
		kill(-worker->pid, SIGKILL); /* with the processes it started, as they have the sockets, too */
		kill(worker->pid, SIGKILL);
		worker->told = SIGKILL;
		worker->kill_at = NEVER;
	}
}

/* Returns true when they are gone, or are about to be. */
static bool kill_remains(const struct remains *remains, long long now)
{
	if (!proc_group_lives(remains->group))
		return true;
	if (remains->kill_at > now)
		return false;
	AUTO_FREE char *group = xasprintf("%d", (int)remains->group);
	log_warn("What a worker left behind does not end, sending KILL", "group", group);
	kill(-remains->group, SIGKILL);
	return true;
}

void workers_tick(struct workers *workers)
{
	long long now = time_monotonic();
	size_t kept = 0;

	kill_workers(workers, now);
	for (size_t i = 0; i < workers->remains_count; i++)
		if (!kill_remains(&workers->remains[i], now))
			workers->remains[kept++] = workers->remains[i];
	workers->remains_count = kept;
}

long long workers_next_tick(const struct workers *workers)
{
	long long next = workers->remains_count ? time_monotonic() + LOOK_MS : NEVER; /* no event tells of the end of a group */

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

static void hand_over_remains(struct workers *workers, const struct handover *handover)
{
	size_t count = handover_list(handover, "remains", workers->remains_count);

	if (handover->state->reads) {
		workers->remains = xcalloc(count + 1, sizeof *workers->remains);
		workers->remains_count = count;
	}
	for (size_t i = 0; i < count; i++) {
		struct handover item = handover_item(handover, "remains", i);
		struct remains *remains = &workers->remains[i];
		handover_int(&item, "group", &remains->group);
		handover_number(&item, "kill_at", &remains->kill_at);
		if (remains->group <= 1) /* for kill(2), all processes */
			handover_refuse(&item, "group");
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
		handover_int(&item, "told", &worker->told);
		handover_number(&item, "kill_at", &worker->kill_at);
	}
	hand_over_remains(workers, handover);
}

void workers_free(struct workers *workers)
{
	free(workers->list);
	free(workers->remains);
	*workers = (struct workers){0};
}
