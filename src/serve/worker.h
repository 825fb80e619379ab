/* SPDX-License-Identifier: MIT */
/* One worker: a process that runs the command with the sockets and the environment of its generation. */
#ifndef DEWY_SERVE_WORKER_H
#define DEWY_SERVE_WORKER_H

#include <sys/types.h>

struct envdir;
struct error;
struct identity;
struct output;
struct settings;
struct sockets;

struct launch {
	const struct settings *settings;
	const struct sockets *sockets;
	const struct identity *identity;
	const struct output *output;
	const struct envdir *envdir;
	const char *notify_address; /* for NOTIFY_SOCKET */
	long long generation;
};

/* Starts a worker, the leader of a process group of its own. Returns its pid once the command runs; or -1 with
 * ERROR_APPLICATION, also when it does not run in 10 seconds. The caller reaps the child in all cases. */
pid_t worker_start(const struct launch *launch, struct error *error);

/* Writes how a process ended, from its wait status: "exit 1" or "signal 9". Returns text. */
const char *worker_describe_end(int status, char text[32]);

#endif
