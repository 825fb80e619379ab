/* SPDX-License-Identifier: MIT */
/* What there is to know of a ROOT, out of what is on disk and what the system tells of the server: nothing is asked over the
 * network, locked or written. dewy(1) describes the members. */
#ifndef DEWY_SURVEY_H
#define DEWY_SURVEY_H

#include "json.h"
#include "options.h"
#include "root/root.h"

struct error;

/* Returns all of it, which the caller deletes; or NULL. */
cJSON *survey(const struct root *root, const struct options *options, struct error *error);

/* What is known of the release that a server should run. */
struct proof {
	const char *current; /* the deployed release, "" for none */
	const cJSON *line;   /* of the history, with the last deployment that ended well; NULL for none */
	bool of_current;     /* it is the deployment of current */
};

/* Adds "server": what keeps the server running, and what that runs. Returns 0, or -1. */
int survey_server(cJSON *survey, const struct root *root, const struct options *options, const struct proof *proof,
		  struct error *error);

/* Adds to the server what its process tells: when it began, and which release it runs. */
void survey_process(cJSON *server, const struct root *root, pid_t pid, const struct proof *proof);

/* Adds to the server what is known of one that is not a supervisor's; kind is one of restart_kind_words. Returns 0, or -1. */
int survey_other(cJSON *server, const char *kind, const struct root *root, const struct options *options, const struct proof *proof,
		 struct error *error);

#endif
