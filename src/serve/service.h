/* SPDX-License-Identifier: MIT */
/* What the supervisor holds while it runs. */
#ifndef DEWY_SERVE_SERVICE_H
#define DEWY_SERVE_SERVICE_H

#include "events.h"
#include "serve/identity.h"
#include "serve/output.h"
#include "serve/reexec.h"
#include "serve/settings.h"
#include "serve/sockets.h"
#include "serve/supervisor.h"

struct service {
	struct settings *settings;
	struct supervisor supervisor;
	struct sockets sockets;
	struct identity identity;
	struct output output;
	struct events events;
	struct reexec reexec;
	int pid_file; /* open, with its lock */
	int messages; /* of workers, see readiness.h */
};

#endif
