/* SPDX-License-Identifier: MIT */
/* Which release of a registry should run: all that filters filters first, then the newest is taken. Memory does not grow with
 * the number of releases. */
#ifndef DEWY_CHOOSE_H
#define DEWY_CHOOSE_H

#include "json.h"
#include "registry/registry.h"
#include "version.h"

struct choice_rules {
	const char *calver;    /* form of calendar versions, checked; NULL for semantic versions */
	const char *slot;      /* only versions with this build metadata; NULL for all */
	const cJSON *rejected; /* array of root/rejected.h, for which artifacts are looked at; NULL to reject none */
};

struct choice {
	struct release release; /* the newest; version NULL when nothing passed the filters */
	struct version version; /* points into release.version */
	char *rejected;         /* the newest version that only a rejection keeps from being the choice, NULL for none */
	struct choice_counts {
		long long seen, unversioned, drafts, prereleases, other_slots, rejected;
	} counts;
};

/* Asks the registry and chooses. Releases of equal versions are settled by the time of publication, then by the order of
 * their texts, and that is said at WARN. Returns 0, also when nothing passed; 1 when the registry tells by its validators that its
 * list has not changed, and ret is empty; or -1 with the registry's error. The caller gives ret to choice_free in all cases. */
int choose_release(struct registry *registry, const struct choice_rules *rules, struct choice *ret, struct error *error);

/* Fills in the error for a choice of nothing: ERROR_NOT_FOUND, with what was seen. url is the registry's, for the message.
 * Returns -1. */
int choice_explain(const struct choice *choice, const char *url, struct error *error);

void choice_free(struct choice *choice);

#endif
