/* SPDX-License-Identifier: MIT */
#include "restart/proof.h"

#include "buf.h"
#include "error.h"
#include "log.h"
#include "plan.h"
#include "proc.h"
#include "restart/health.h"
#include "str.h"
#include "time.h"

enum { STEP_MS = 100, ASK_MS = 5000, ASK_LEAST_MS = 1000, PAUSE_MS = 1000, PAUSES_MOST = 3 };

/* Puts what did not happen within a time before the reason in error. Returns -1. */
static int too_late(const struct server *server, const char *what, long long timeout, struct error *error)
{
	AUTO_BUF struct buf waited = {0};

	str_add_duration(&waited, timeout);
	return error_in(error, "%s %s in %s", server_version(server), what, buf_text(&waited));
}

static int too_short(const struct server *server, long long settled, struct error *error)
{
	AUTO_BUF struct buf wanted = {0};

	str_add_duration(&wanted, settled);
	return error_set(error, ERROR_APPLICATION, "%s did not stay up for %s", server_version(server), buf_text(&wanted));
}

/* Waits until the new server is there. Returns 0 or -1. */
static int follow(struct server *server, struct error *error)
{
	long long timeout = option_number(server->run->options, OPT_START_TIMEOUT);

	for (;;) {
		int result = server->ops->look(server, error);
		if (result <= 0)
			return result;
		if (time_monotonic() >= server->renewed_at + timeout + server->patience)
			return too_late(server, "was not up", timeout, error);
		time_sleep(server->ops->step_ms);
	}
}

/* Returns how many milliseconds the new server has been up, but none from before it was renewed. A supervisor that keeps the
 * old one beside it for a while has waited already. */
static long long uptime(const struct server *server)
{
	long long renewed = time_monotonic() - server->renewed_at;
	long long age = server->worker.pid ? proc_age(server->worker.pid) : renewed;

	return age < renewed ? age : renewed;
}

/* Waits until the new server has been up for --settle. Which process shows it may change meanwhile, but not for ever. Returns 0
 * or -1. */
static int settle(struct server *server, struct error *error)
{
	long long settled = option_number(server->run->options, OPT_SETTLE);
	long long timeout = option_number(server->run->options, OPT_START_TIMEOUT) + settled;
	bool alone;

	for (long long deadline = time_monotonic() + timeout;;) {
		if (server->ops->serves(server, &alone, error) <= 0)
			return -1;
		if (uptime(server) >= settled) {
			server->settled = true;
			return 0;
		}
		if (time_monotonic() >= deadline)
			return too_short(server, settled, error);
		time_sleep(server->ops->step_ms);
	}
}

/* Waits until the older servers have ended, which listen on the same sockets: their answers say nothing of the new one.
 * One that takes longer than --start-timeout to finish is no longer waited for. Returns 0 or -1. */
static int wait_alone(struct server *server, struct error *error)
{
	long long deadline = time_monotonic() + option_number(server->run->options, OPT_START_TIMEOUT);
	bool alone = false;

	for (;;) {
		if (server->ops->serves(server, &alone, error) <= 0)
			return -1;
		if (alone || !server->settled)
			return 0;
		if (time_monotonic() >= deadline)
			break;
		time_sleep(server->ops->step_ms);
	}
	log_warn("An older server has not ended yet, and may answer the health check", "version", server_version(server));
	return 0;
}

/* Returns how long an answer may take. The last question is not to fail for being asked late: its answer is the reason that people
 * read. */
static long long answer_timeout(long long left)
{
	return left < ASK_LEAST_MS ? ASK_LEAST_MS : left < ASK_MS ? left : ASK_MS;
}

/* Asks until enough answers in a row were good, or the server has to settle anew. Returns 0 or -1. */
static int ask(struct server *server, const struct target *target, struct error *error)
{
	const char *authorities = option_string(server->run->options, OPT_CACERT);
	long long wanted = option_number(server->run->options, OPT_HEALTH_COUNT), good = 0;
	long long timeout = option_number(server->run->options, OPT_HEALTH_TIMEOUT), deadline = time_monotonic() + timeout;
	bool alone;

	for (int paused = 0;;) {
		long long asked_at = time_monotonic(), left = deadline - asked_at, before = good;
		good = health_ask(target, authorities, answer_timeout(left), error) ? good + 1 : 0;
		if (server->ops->serves(server, &alone, error) <= 0)
			return -1;
		if (good >= wanted || !server->settled)
			return 0;
		time_sleep(STEP_MS);
		long long took = time_monotonic() - asked_at;
		if (took > answer_timeout(left) + STEP_MS + PAUSE_MS && paused++ < PAUSES_MOST) {
			deadline += took; /* this process was stopped meanwhile, or the machine: the server is not to blame */
			good = good ? good : before;
		} else if (left <= STEP_MS) {
			break;
		}
	}
	if (good)
		error_set(error, ERROR_APPLICATION, "of %lld good answers in a row, only %lld came", wanted, good);
	return too_late(server, "did not become healthy", timeout, error);
}

/* Waits until the new server is healthy, if there is a way to tell, or has to settle anew. Returns 0 or -1. */
static int wait_healthy(struct server *server, struct error *error)
{
	AUTO_TARGET struct target target = {0};

	if (target_find(&target, server->run->options, server->run->root->path, error))
		return -1;
	if (!target.url)
		return 0;
	return wait_alone(server, error) || (server->settled && ask(server, &target, error)) ? -1 : 0;
}

/* Waits until the server has settled, and is healthy; once more when another one took its place meanwhile. Returns 0 or -1. */
static int watch(struct server *server, struct error *error)
{
	do
		if (settle(server, error) || wait_healthy(server, error))
			return -1;
	while (!server->settled);
	return 0;
}

int proof_renew(struct server *server, struct error *error)
{
	server->renewed_at = time_monotonic();
	server->settled = false;
	server->worker = (struct serve_worker){0};
	return server->ops->renew(server, error) || follow(server, error) || watch(server, error) ? -1 : 0;
}

int proof_kept(struct server *server, struct error *error)
{
	server->renewed_at = 0; /* long ago */
	server->settled = false;
	return watch(server, error);
}

int proof_plan(const struct server *server, struct error *error)
{
	const struct options *options = server->run->options;
	AUTO_TARGET struct target target = {0};
	AUTO_BUF struct buf timeout = {0};

	server->ops->plan(server);
	if (target_find(&target, options, server->run->root->path, error))
		return -1;
	str_add_duration(&timeout, option_number(options, OPT_HEALTH_TIMEOUT));
	if (target.url)
		plan_step(server->run->document, "healthy at %s%s%s, %lld times in a row within %s", target.url,
			  target.socket ? " over " : "", target.socket ? target.socket : "",
			  option_number(options, OPT_HEALTH_COUNT), buf_text(&timeout));
	return 0;
}
