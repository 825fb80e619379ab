/* SPDX-License-Identifier: MIT */
#include "root/actor.h"

#include "alloc.h"
#include "buf.h"
#include "cleanup.h"
#include "proc.h"
#include "str.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ANCESTORS = 64, COMMAND_LINE = 4096 };

/* Returns the content of a small file about a process, terminated; the caller frees it. "" when it cannot be read. */
static char *read_about(pid_t pid, const char *name)
{
	AUTO_FREE char *path = xasprintf("/proc/%d/%s", (int)pid, name);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_BUF struct buf content = {0};

	if (fd < 0 || buf_read(&content, fd, COMMAND_LINE) < 0 || !content.length)
		return xstrdup("");
	return buf_steal(&content);
}

/* Returns the name of its program, cut to 15 bytes (proc_pid_comm(5)); the caller frees it. */
static char *name_of(pid_t pid)
{
	char *name = read_about(pid, "comm");

	name[strcspn(name, "\n")] = '\0';
	return name;
}

static bool is_cron(pid_t pid, const char *name)
{
	static const char *const names[] = {"cron", "crond", "fcron", "anacron", "atd"};

	(void)pid;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (str_equal(name, names[i]))
			return true;
	return false;
}

static bool is_watch(pid_t pid, const char *name)
{
	AUTO_FREE char *line = str_equal(name, "dewy") ? read_about(pid, "cmdline") : xstrdup("");
	const char *command = *line ? line + strlen(line) + 1 : line; /* proc_pid_cmdline(5): ended by two zero bytes then */

	return str_equal(command, "watch") || str_equal(command, "server") || str_equal(command, "assets");
}

/* True when this process, or one that it descends from, is one of those. */
static bool descends_from(bool (*is_one)(pid_t pid, const char *name))
{
	pid_t pid = getpid();

	for (int i = 0; i < ANCESTORS && pid > 0; i++, pid = proc_parent(pid)) {
		AUTO_FREE char *name = name_of(pid);
		if (is_one(pid, name))
			return true;
	}
	return false;
}

static bool is_by_timer(void)
{
	const char *unit = proc_variable("TRIGGER_UNIT");

	return unit && str_ends(unit, ".timer");
}

/* Returns the login uid, or -1 when nobody has logged in or the kernel does not keep it. */
static long long login_uid(void)
{
	AUTO_FREE char *text = read_about(getpid(), "loginuid");
	long long uid;

	text[strcspn(text, "\n")] = '\0';
	return str_to_number(text, &uid) || uid == (uid_t)-1 ? -1 : uid;
}

static bool is_logged_in(void)
{
	return login_uid() >= 0 || proc_variable("SSH_CONNECTION") || proc_variable("SUDO_UID") || proc_variable("DOAS_USER") ||
	       proc_variable("PKEXEC_UID");
}

static const char *find_by(void)
{
	return descends_from(is_watch)          ? "watch"
	       : proc_has_terminal(getpid())    ? "person"
	       : descends_from(is_cron)         ? "cron"
	       : is_by_timer()                  ? "timer"
	       : is_logged_in()                 ? "person"
	       : proc_variable("INVOCATION_ID") ? "service"
						: "other";
}

/* Returns the name of a user in passwd(5), which the caller frees; NULL when it is not there. */
static char *find_user(long long uid)
{
	FILE *file = uid < 0 ? NULL : fopen("/etc/passwd", "re");
	const struct passwd *user = NULL;

	while (file && (user = fgetpwent(file)) && user->pw_uid != (uid_t)uid)
		;
	char *name = user ? xstrdup(user->pw_name) : NULL;
	if (file)
		fclose(file);
	return name;
}

/* Returns the name of who logged in, which the caller frees; NULL when nothing tells. */
static char *find_login(void)
{
	long long uid = login_uid();
	char *name = find_user(uid);
	const char *said = proc_variable("SUDO_USER") ? proc_variable("SUDO_USER") : proc_variable("DOAS_USER");

	if (uid >= 0)
		return name ? name : xasprintf("%lld", uid);
	return said && str_is_file_name(said) ? xstrdup(said) : NULL;
}

cJSON *actor_describe(void)
{
	cJSON *who = xrequire(cJSON_CreateObject());
	AUTO_FREE char *user = find_user(geteuid()), *login = find_login();
	char host[256] = "localhost";

	gethostname(host, sizeof host - 1);
	json_set_number(who, "uid", geteuid());
	json_set_string(who, "user", user);
	json_set_string(who, "host", host);
	json_set_string(who, "by", find_by());
	json_set_string(who, "login", login);
	return who;
}
