/* SPDX-License-Identifier: MIT */
#include "check/downgrade.h"

#include "alloc.h"
#include "error.h"
#include "log.h"
#include "root/floor.h"
#include "root/rejected.h"

bool downgrade_is_older(const struct choice *choice, const char *calver, const char *version)
{
	struct version other;

	return version && version_parse(&other, calver, version) && version_compare(&choice->version, &other) < 0;
}

bool downgrade_is_held(const struct choice *choice, const cJSON *rejected, const char *calver, const char *deployed,
		       char **ret_reason)
{
	const char *version = choice->release.version;
	struct version present, newest;

	int order = deployed && version_parse(&present, calver, deployed) ? version_compare(&choice->version, &present) : 1;
	if (order <= 0 && rejected_find_hold(rejected, deployed))
		*ret_reason = xasprintf("%s is not newer than %s, at which the application is held", version, deployed);
	else if (order < 0 && choice->rejected && !rejected_find(rejected, deployed) &&
		 !rejected_is_held(rejected, deployed, calver) && version_parse(&newest, calver, choice->rejected) &&
		 version_compare(&newest, &present) >= 0)
		*ret_reason = xasprintf("%s is older than the deployed %s, and the newest, %s, is rejected", version, deployed,
					choice->rejected);
	return *ret_reason != NULL;
}

int downgrade_refuse(const struct root *root, const struct choice *choice, const char *calver, const char *deployed,
		     char **ret_reason, struct error *error)
{
	AUTO_JSON cJSON *floor = floor_read(root, error);
	const char *version = choice->release.version, *highest = json_string(floor, "version");
	bool below = downgrade_is_older(choice, calver, highest);

	if (!floor)
		return -1;
	if (downgrade_is_older(choice, calver, deployed)) {
		log_warn("Not following the registry to an older version", "version", version, "deployed", deployed, "hint",
			 "without --no-downgrade a run follows it once");
		*ret_reason = xasprintf("%s is older than the deployed %s, and --no-downgrade is given", version, deployed);
		return 1;
	}
	if (!below)
		return 0;
	log_warn("Not following the registry to an older version", "version", version, "floor", highest, "hint",
		 "dewy rollback --forget-floor allows what is older than the newest version that was deployed here");
	*ret_reason = xasprintf("%s is older than %s, the newest that was deployed here, and --no-downgrade is given", version,
				highest);
	return 1;
}
