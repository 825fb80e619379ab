/* SPDX-License-Identifier: MIT */
#include "serve/identity.h"

#include "alloc.h"
#include "error.h"
#include "proc.h"
#include "str.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	TRY_MS = 10000, /* the groups of a user may come from a name service that does not answer */
	KILLED = 128,   /* of an exit code: with the number of a signal */
};

/* Reads a number that can be one of a user or group: all but the last, which stands for none. */
static bool is_id(const char *text, long long *ret)
{
	return str_to_number(text, ret) == 0 && *ret < UINT_MAX;
}

static int unknown(const char *option, const char *text, const char *what, struct error *error)
{
	error_set(error, ERROR_CONFIG, "--%s %s: there is no such %s", option, text, what);
	return error_hint(error, "give a name or a number that getent %s shows", what[0] == 'u' ? "passwd" : "group");
}

int identity_user_id(const char *option, const char *text, uid_t *ret, struct error *error)
{
	const struct passwd *entry = getpwnam(text);
	long long number;

	if (!entry && !is_id(text, &number))
		return unknown(option, text, "user", error);
	*ret = entry ? entry->pw_uid : (uid_t)number;
	return 0;
}

int identity_group_id(const char *option, const char *text, gid_t *ret, struct error *error)
{
	const struct group *entry = getgrnam(text);
	long long number;

	if (!entry && !is_id(text, &number))
		return unknown(option, text, "group", error);
	*ret = entry ? entry->gr_gid : (gid_t)number;
	return 0;
}

/* Fills in a user, who has to be known: without an entry there are neither groups nor a home directory. */
static int read_user(struct identity *identity, const char *text, struct error *error)
{
	long long number;
	const struct passwd *entry = getpwnam(text);

	if (!entry && is_id(text, &number))
		entry = getpwuid((uid_t)number);
	if (!entry)
		return unknown("user", text, "user", error);
	identity->user = xstrdup(entry->pw_name);
	identity->home = xstrdup(entry->pw_dir);
	identity->shell = xstrdup(*entry->pw_shell ? entry->pw_shell : "/bin/sh");
	identity->uid = entry->pw_uid;
	identity->gid = entry->pw_gid;
	return 0;
}

int identity_try(const struct identity *identity, const char *path, int mode)
{
	int code = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(identity_assume(identity) || (path && access(path, mode)) ? errno : 0);
	if (pid < 0)
		return errno;
	int result = proc_wait(pid, TRY_MS, &code);
	if (result == 1) {
		kill(pid, SIGKILL);
		proc_wait(pid, TRY_MS, &code);
		return ETIMEDOUT;
	}
	return result < 0 || code > KILLED ? EPERM : code;
}

static const char *advise(int number)
{
	if (number == ETIMEDOUT)
		return "see whether getent initgroups answers for the user: a name service of /etc/nsswitch.conf hangs";
	return geteuid() ? "run this as root, or leave the option out" : "this root lacks CAP_SETUID or CAP_SETGID";
}

int identity_read(struct identity *ret, const char *user, const char *group, struct error *error)
{
	*ret = (struct identity){.uid = geteuid(), .gid = getegid()};
	if ((user && read_user(ret, user, error)) || (group && identity_group_id("group", group, &ret->gid, error)))
		return -1;
	ret->changes = (user || group) && (geteuid() == 0 || ret->uid != geteuid() || ret->gid != getegid());
	int number = ret->changes ? identity_try(ret, NULL, 0) : 0;
	if (number == 0)
		return 0;
	error_errno(error, number, "--%s %s: cannot give workers these rights", user ? "user" : "group", user ? user : group);
	error->code = ERROR_CONFIG;
	return error_hint(error, "%s", advise(number));
}

/* True when the process cannot become root again. */
static bool is_final(const struct identity *identity)
{
	return identity->uid == 0 || (setuid(0) < 0 && seteuid(0) < 0);
}

int identity_assume(const struct identity *identity)
{
	if (!identity->changes)
		return 0;
	if (identity->user ? initgroups(identity->user, identity->gid) : setgroups(0, NULL))
		return -1;
	if (setresgid(identity->gid, identity->gid, identity->gid) || setresuid(identity->uid, identity->uid, identity->uid))
		return -1;
	if (is_final(identity))
		return 0;
	errno = EPERM;
	return -1;
}

void identity_set_environment(const struct identity *identity)
{
	if (!identity->user)
		return;
	setenv("HOME", identity->home, 1);
	setenv("LOGNAME", identity->user, 1);
	setenv("SHELL", identity->shell, 1);
	setenv("USER", identity->user, 1);
}

void identity_free(struct identity *identity)
{
	free(identity->user);
	free(identity->home);
	free(identity->shell);
	*identity = (struct identity){0};
}
