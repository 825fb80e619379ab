/* SPDX-License-Identifier: MIT */
/* Which artifact of a release is for this machine, by the words of its name; dewy-registry(7) has the rule as a table. */
#ifndef DEWY_ARTIFACT_H
#define DEWY_ARTIFACT_H

#include "registry/registry.h"

struct artifact_rules {
	const char *wanted;      /* exactly this name, whatever it says; NULL to choose by platform */
	const char *version;     /* of the release: its words in a name say nothing */
	const char *projects[2]; /* what the application may be called: their words say nothing, either; each may be NULL */
};

/* Selects an artifact of the list, to which *ret then points. Returns 0; 1 when none fits, with ERROR_NOT_FOUND filled in, which
 * lists what the release has; or -1 with ERROR_AMBIGUOUS, which lists those that fit equally well. */
int artifact_select(const struct artifact_list *list, const struct artifact_rules *rules, const struct artifact **ret,
		    struct error *error);

/* True when an artifact of the registry is not the one that an object with the members digest and revision tells of, or may be
 * another one: then its digest tells once it was downloaded. */
bool artifact_differs(const struct artifact *artifact, const cJSON *known);

#endif
