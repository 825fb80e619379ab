/* SPDX-License-Identifier: MIT */
/* dewy-doctor: looks at all that a run needs, and changes nothing. */
#ifndef DEWY_DOCTOR_H
#define DEWY_DOCTOR_H

#include "check/choose.h"
#include "doctor/verdict.h"
#include "options.h"
#include "restart/settings.h"
#include "root/root.h"

#include <sys/types.h>

/* What one check learns, and later ones need. */
struct doctor {
	const struct options *options;
	bool server;          /* server mode */
	struct root root;     /* as far as it could be opened, */
	bool rooted;          /* and whether a run would accept it */
	bool locked;          /* another run is under way */
	struct registry registry;
	const struct service *service; /* that the registry is asked by; NULL for a directory */
	bool opened;          /* the registry's URL is one */
	bool authorized;      /* there is a credential, or none is needed */
	struct choice choice; /* the release that should run; its version is NULL before it is known */
	bool listed;          /* the registry has answered */
	long long artifact_size; /* bytes of its artifact, -1 when that is not known */
	bool dated;           /* the service has told the time: */
	long long ahead;      /* its clock is that many seconds ahead of ours */
	enum restart_kind kind; /* of what keeps the server running */
	pid_t supervisor;     /* 0 when none runs */
};

/* Looks, prints what it finds, and returns the exit status: 0, or that of what failed first. */
int doctor_main(int argc, char **argv);

/* Returns the name of the application, which belongs to doctor. */
const char *doctor_app(const struct doctor *doctor);

/* True when there is something that should be served. */
bool doctor_is_deployed(const struct doctor *doctor);

/* Writes down what time the service has told in its last answer, if it has. */
void doctor_note_time(struct doctor *doctor);

/* The checks, in files of those names. Each adds to verdict. */
typedef void doctor_check(struct doctor *doctor, struct verdict *verdict);

doctor_check doctor_programs, doctor_kernel;
doctor_check doctor_root, doctor_lock;
doctor_check doctor_current, doctor_leftovers, doctor_command;
doctor_check doctor_cache, doctor_disk;
doctor_check doctor_secrets, doctor_notifiers, doctor_metrics;
doctor_check doctor_url, doctor_trust, doctor_proxy;
doctor_check doctor_credentials, doctor_permissions;
doctor_check doctor_registry, doctor_release, doctor_limit;
doctor_check doctor_signatures;
doctor_check doctor_clock;
doctor_check doctor_user, doctor_restart;
doctor_check doctor_supervisor, doctor_worker, doctor_health;
doctor_check doctor_ports;
doctor_check doctor_schedule, doctor_service;

#endif
