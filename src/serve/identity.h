/* SPDX-License-Identifier: MIT */
/* The user and the group that workers run as: credentials(7). */
#ifndef DEWY_SERVE_IDENTITY_H
#define DEWY_SERVE_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

struct error;

struct identity {
	bool changes; /* a worker gets other rights than the supervisor has */
	char *user;   /* its name; NULL leaves the user as it is */
	char *home;
	char *shell;
	uid_t uid;
	gid_t gid;
};

/* Works out --user and --group, names or numbers, NULL for what was not given, and tries in a child process whether they can be
 * assumed. Without --group, the group is the one of the user. Returns 0, or -1 with ERROR_CONFIG when there is no such user or
 * group, or this process has not the right; the caller gives ret to identity_free in both cases. */
int identity_read(struct identity *ret, const char *user, const char *group, struct error *error);

/* Takes the rights of the identity, for good: with a user those of all its groups, with only a group those of no other. Only for a
 * child. Returns 0, or -1 with errno. */
int identity_assume(const struct identity *identity);

/* Tries in a child process whether one with the identity has the right to path, as access(2) tells it; with path NULL, whether it
 * can be assumed at all. Returns 0, or errno: ETIMEDOUT when that is not known after 10 seconds. */
int identity_try(const struct identity *identity, const char *path, int mode);

/* Sets HOME, LOGNAME, SHELL and USER when there is a user, as systemd.exec(5) does. */
void identity_set_environment(const struct identity *identity);

void identity_free(struct identity *identity);

/* Look up a user or group by name or number, for the option of that name; a number need not be known. Return 0, or -1 with
 * ERROR_CONFIG. */
int identity_user_id(const char *option, const char *text, uid_t *ret, struct error *error);
int identity_group_id(const char *option, const char *text, gid_t *ret, struct error *error);

#endif
