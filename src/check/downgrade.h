/* SPDX-License-Identifier: MIT */
/* Releases that are older than what this machine has had. */
#ifndef DEWY_CHECK_DOWNGRADE_H
#define DEWY_CHECK_DOWNGRADE_H

#include "check/choose.h"
#include "root/root.h"

struct error;

/* True when the choice is older than version, which may be NULL; calver is the form of both, NULL for semantic versions.
 * Versions of different kinds cannot be compared, and slots do not count. */
bool downgrade_is_older(const struct choice *choice, const char *calver, const char *version);

/* Finds out whether the choice, another artifact than the deployed one, is not to take its place: nothing older does while the
 * registry has one that is not older, and rejected (choice->rejected), unless what is deployed is rejected itself, as after a
 * rollback that was interrupted; and only something newer does while somebody holds the application at what is deployed, as
 * rejected (root/rejected.h) tells. Returns true with the reason to stay, which the caller frees. */
bool downgrade_is_held(const struct choice *choice, const cJSON *rejected, const char *calver, const char *deployed,
		       char **ret_reason);

/* Finds out, for --no-downgrade, whether the choice is older than the deployed version or the floor (root/floor.h), and says so at
 * WARN. Returns 0 when it is not; 1 with the reason to stay, which the caller frees; or -1. */
int downgrade_refuse(const struct root *root, const struct choice *choice, const char *calver, const char *deployed,
		     char **ret_reason, struct error *error);

#endif
