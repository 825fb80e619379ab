/* SPDX-License-Identifier: MIT */
/* The users and groups that dewy-serve gives to the workers and the sockets. */
#include "doctor/doctor.h"

#include "alloc.h"
#include "serve/identity.h"

#include <string.h>
#include <unistd.h>

/* Fails unless the owners of the sockets are known. */
static void look_at_socket_owners(const struct options *options, struct verdict *verdict)
{
	const char *user = option_string(options, OPT_SOCKET_USER), *group = option_string(options, OPT_SOCKET_GROUP);
	struct error error;
	uid_t uid;
	gid_t gid;

	if (user && identity_user_id("socket-user", user, &uid, &error))
		verdict_fail(verdict, &error);
	if (group && identity_group_id("socket-group", group, &gid, &error))
		verdict_fail(verdict, &error);
	if ((user || group) && verdict->result != RESULT_FAIL)
		verdict_ok(verdict, "sockets of %s%s%s", user ? user : "", user && group ? ":" : "", group ? group : "");
}

/* The workers start in ROOT, out of what current leads to. */
static void look_at_access(const struct doctor *doctor, const struct identity *identity, const char *name, struct verdict *verdict)
{
	const char *program = doctor->options->rest[0];
	bool inside = program && *program != '/' && strchr(program, '/');
	AUTO_FREE char *path = xasprintf("%s/%s", doctor->root.path, inside ? program : "current");
	int number = doctor_is_deployed(doctor) && access(path, F_OK) == 0
			     ? identity_try(identity, path, inside ? X_OK : R_OK | X_OK)
			     : 0;
	struct error error;

	if (number == 0) {
		verdict_ok(verdict, "workers run as %s", name);
		return;
	}
	error_errno(&error, number, "%s may not %s %s", name, inside ? "execute" : "read", path);
	error_hint(&error, "namei -l %s shows which directory or file is closed to %s", path, name);
	verdict_fail(verdict, &error);
}

void doctor_user(struct doctor *doctor, struct verdict *verdict)
{
	const struct options *options = doctor->options;
	const char *user = option_string(options, OPT_USER), *group = option_string(options, OPT_GROUP);
	struct identity identity = {0};
	struct error error;

	look_at_socket_owners(options, verdict);
	AUTO_FREE char *name = user ? xstrdup(user) : xasprintf("the group %s", group ? group : "");
	if ((user || group) && identity_read(&identity, user, group, &error))
		verdict_fail(verdict, &error);
	else if (user || group)
		look_at_access(doctor, &identity, name, verdict);
	else if (verdict->result == RESULT_SKIP)
		verdict_skip(verdict, "no --user, --group, --socket-user or --socket-group is given");
	identity_free(&identity);
}
