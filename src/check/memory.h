/* SPDX-License-Identifier: MIT */
/* What came of the last look into a registry that can tell whether its list has changed: ROOT/.dewy/registry.json keeps its
 * validators, the release that was chosen by them, and its artifacts. So an unchanged registry costs one short answer, and no more
 * memory than one release takes. */
#ifndef DEWY_CHECK_MEMORY_H
#define DEWY_CHECK_MEMORY_H

#include "check/choose.h"
#include "root/root.h"

/* A release of a registry, with its artifacts. */
struct finding {
	struct choice choice;
	struct artifact_list artifacts;
};

#define AUTO_FINDING AUTO(finding_free)

void finding_free(struct finding *finding);

/* Recalls what this version of dewy kept under the same URL of the registry and the same rules. Returns the validators, which the
 * caller deletes, and fills in ret; or NULL, and leaves it empty. The caller gives ret to finding_free in both cases. */
cJSON *memory_recall(struct registry *registry, const char *url, const struct choice_rules *rules, struct finding *ret);

/* Keeps a finding. That it cannot be kept is logged at DEBUG: it only costs requests. */
void memory_keep(const struct root *root, const char *url, const struct choice_rules *rules, const cJSON *validators,
		 const struct finding *finding);

/* Keeps what was chosen in a registry that has no validators, in a file that only people are told of, unless that is what was noted
 * last. */
void memory_note(const struct root *root, const char *url, const struct choice *choice);

#endif
