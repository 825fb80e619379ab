/* SPDX-License-Identifier: MIT */
/* The server of the application, seen from outside: it is made to run what current leads to, and shows that it does. Each kind of
 * server is a struct of functions in a file of its own; proof.h asks the same of all. */
#ifndef DEWY_SERVER_H
#define DEWY_SERVER_H

#include "serve/status.h"
#include "stage.h"

#include <stdbool.h>

struct error;

struct server {
	const struct server_ops *ops;
	const struct stage_run *run; /* its document tells the release that is to serve */
	const char *action;          /* what was done: started, restarted or reloaded */
	bool started;                /* by this run */
	long long renewed_at;        /* when it was made to, in milliseconds on the monotonic clock; look may begin anew */
	long long patience;          /* milliseconds that look may take beyond --start-timeout */
	bool settled;                /* it has been up for --settle */
	struct serve_worker worker;  /* shows the new server: pid 0 when none does, generation 0 when they are not counted */
	void *own;                   /* what the kind keeps; NULL at first */
};

#define AUTO_SERVER AUTO(server_close)

struct server_ops {
	long long step_ms; /* pause between two looks */

	/* Looks at the server, and touches nothing. Returns 0; or -1, with ERROR_USAGE or ERROR_CONFIG when it cannot be made to
	 * run anything as it is. */
	int (*find)(struct server *server, struct error *error);

	/* Says by plan_step and server_expect what renew would do, and by what look and serves would believe it. */
	void (*plan)(const struct server *server);

	/* Makes it run what current leads to: the begin of it, or all. Sets action, and started. Returns 0; or -1, with
	 * ERROR_APPLICATION when the release is to blame. */
	int (*renew)(struct server *server, struct error *error);

	/* Looks for the new server. Returns 0 with worker set; 1 when it is not there yet, with what is missing in error; or -1. */
	int (*look)(struct server *server, struct error *error);

	/* Tells whether the new server still runs, and leaves error alone when it does. Until it has settled, a worker that has
	 * ended may be one whose successor is still waited for. Once at the most, it clears settled: what was taken for the new
	 * server has given its place to another one. Returns 1 when it does, and sets *ret_alone unless an older one still
	 * finishes; 0 when it does not, with ERROR_APPLICATION; or -1. */
	int (*serves)(struct server *server, bool *ret_alone, struct error *error);

	/* Ends a new server that is not up yet, which the one of before outlives. NULL where there is none such. */
	void (*abandon)(struct server *server);

	/* True when the server of before never stopped, and sets worker to it; may wait for --start-timeout. NULL: it always stops.
	 */
	bool (*kept)(struct server *server);

	/* Ends what this run started; NULL when that is nothing. */
	void (*stop)(struct server *server);

	/* Adds what the kind knows to the section restart of the document; NULL for nothing. */
	void (*describe)(const struct server *server, cJSON *document);

	/* Frees what own refers to; server_close frees own itself. NULL for nothing. */
	void (*forget)(struct server *server);
};

extern const struct server_ops command_server, process_server, supervisor_server, unit_server;

/* Chooses the kind of server that the options name, and looks at it. Returns 0, or -1 as find does; the caller gives server to
 * server_close in both cases. */
int server_open(struct server *server, const struct stage_run *run, struct error *error);

void server_close(struct server *server);

/* Returns the version that is to serve; it belongs to the document. */
const char *server_version(const struct server *server);

/* Adds to the plan of a --dry-run what is expected within --start-timeout, and to stay for --settle. */
void server_expect(const struct server *server, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
