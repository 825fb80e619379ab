/* SPDX-License-Identifier: MIT */
/* Who runs dewy again and again: a timer, cron, or a watch; and the unit of the server. */
#include "doctor/units.h"

#include "alloc.h"
#include "fs.h"
#include "proc.h"
#include "str.h"

#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_LIMIT = 1 << 20 };

static void advise_enabling(const char *unit, const cJSON *properties, struct verdict *verdict)
{
	const char *state = unit_get(properties, "UnitFileState");
	struct error error;

	if (str_starts(state, "enabled") || !*state)
		return;
	error_set(&error, ERROR_CONFIG, "%s is %s: it does not come back after a boot", unit, state);
	error_hint(&error, "systemctl enable %s", unit);
	verdict_warn(verdict, &error);
}

/* What the last run that the timer started came to. */
static void look_at_last_run(const struct doctor *doctor, struct verdict *verdict)
{
	AUTO_FREE char *name = unit_name(doctor, "dewy@", ".service");
	AUTO_JSON cJSON *unit = unit_read(name);
	const char *result = unit_get(unit, "Result");
	struct error error;

	if (!*result || str_equal(result, "success"))
		return;
	error_set(&error, ERROR_APPLICATION, "the last run ended with %s, status %s", result, unit_get(unit, "ExecMainStatus"));
	error_hint(&error, "journalctl -u %s says why", name);
	verdict_warn(verdict, &error);
}

static void tell_times(const char *name, const cJSON *timer, struct verdict *verdict)
{
	const char *last = unit_get(timer, "LastTriggerUSec"), *next = unit_get(timer, "NextElapseUSecRealtime");
	const char *after_boot = unit_get(timer, "NextElapseUSecMonotonic");

	verdict_ok(verdict, "%s is active", name);
	if (*last && !str_equal(last, "n/a"))
		verdict_ok(verdict, "last at %s", last);
	if (*next)
		verdict_ok(verdict, "next at %s", next);
	else if (*after_boot && !str_equal(after_boot, "infinity"))
		verdict_ok(verdict, "next %s after the boot", after_boot);
}

/* Returns true when the timer runs dewy. */
static bool look_at_timer(const struct doctor *doctor, struct verdict *verdict)
{
	AUTO_FREE char *name = unit_name(doctor, "dewy@", ".timer");
	AUTO_JSON cJSON *timer = units_are_here() ? unit_read(name) : xrequire(cJSON_CreateObject());

	if (!str_equal(unit_get(timer, "ActiveState"), "active"))
		return false;
	tell_times(name, timer, verdict);
	advise_enabling(name, timer, verdict);
	look_at_last_run(doctor, verdict);
	return true;
}

/* True when the path stands in the line, and not only as the beginning of another one. */
static bool has_path(const char *line, const char *path)
{
	size_t length = strlen(path);

	while ((line = strstr(line, path))) {
		line += length;
		if (!*line || strchr(" \t;&|\"'", *line))
			return true;
	}
	return false;
}

/* True when the line is one of cron's that runs dewy in ROOT, or does not say where. */
static bool runs_dewy(const struct doctor *doctor, const char *line)
{
	bool elsewhere = strstr(line, "cd /") || strstr(line, "--root") || strstr(line, "DEWY_ROOT");

	line += strspn(line, " \t");
	return *line != '#' && strstr(line, "dewy ") && (!elsewhere || has_path(line, doctor->root.path));
}

/* A crontab that is looked for a line that runs dewy. */
struct crontabs {
	const struct doctor *doctor;
	int dir;
	char *found; /* the name of the one that has it */
};

static int look_at_crontab(const char *name, void *context)
{
	struct crontabs *crontabs = context;
	AUTO_BUF struct buf content = {0};
	struct error error;
	char *rest, *line;

	if (fs_read_file(crontabs->dir, name, FILE_LIMIT, &content, &error) || !content.data)
		return 0;
	for (rest = content.data; (line = strsep(&rest, "\n"));)
		if (runs_dewy(crontabs->doctor, line)) {
			crontabs->found = xstrdup(name);
			return 1;
		}
	return 0;
}

/* Returns true when cron runs dewy (crontab(5), cron(8)). */
static bool look_at_cron(const struct doctor *doctor, struct verdict *verdict)
{
	const struct passwd *user = getpwuid(geteuid());
	AUTO_FREE char *own = xasprintf("/var/spool/cron/crontabs/%s", user ? user->pw_name : "root");
	AUTO_CLOSE int dir = open("/etc/cron.d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct crontabs crontabs = {.doctor = doctor, .dir = dir};
	struct error error;

	if (!look_at_crontab("/etc/crontab", &crontabs) && !look_at_crontab(own, &crontabs) && dir >= 0)
		fs_each(dir, look_at_crontab, &crontabs, &error);
	if (crontabs.found)
		verdict_ok(verdict, "cron runs it: %s%s", *crontabs.found == '/' ? "" : "/etc/cron.d/", crontabs.found);
	free(crontabs.found);
	return verdict->found.length > 0;
}

/* Appends a file of a process, in which zero bytes end the words. */
static bool read_words(const char *pid, const char *name, struct buf *words)
{
	AUTO_FREE char *path = xasprintf("/proc/%s/%s", pid, name);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && buf_read(words, fd, FILE_LIMIT) == 0 && words->length;
}

/* True when one of the words is the text. */
static bool has_word(const struct buf *words, const char *text)
{
	for (const char *word = words->data; word && word < words->data + words->length; word += strlen(word) + 1)
		if (str_equal(word, text))
			return true;
	return false;
}

/* True when the process has ROOT as --root, in DEWY_ROOT, or as its working directory. */
static bool works_in(const char *pid, const struct buf *words, const char *root)
{
	AUTO_FREE char *link = xasprintf("/proc/%s/cwd", pid), *setting = xasprintf("DEWY_ROOT=%s", root);
	AUTO_FREE char *option = xasprintf("--root=%s", root);
	AUTO_BUF struct buf environment = {0};
	char directory[PATH_MAX];
	ssize_t length = readlink(link, directory, sizeof directory - 1);

	directory[length > 0 ? length : 0] = '\0';
	return has_word(words, root) || has_word(words, option) || str_equal(directory, root) ||
	       (read_words(pid, "environ", &environment) && has_word(&environment, setting));
}

/* A watch that is looked for. */
struct watch {
	const struct doctor *doctor;
	long long pid;
};

static int look_at_process(const char *name, void *context)
{
	static const char *const commands[] = {"watch", "server", "assets"};
	struct watch *watch = context;
	AUTO_BUF struct buf words = {0};

	if (str_to_number(name, &watch->pid) || !read_words(name, "cmdline", &words))
		return 0;
	const char *slash = strrchr(words.data, '/'), *program = slash ? slash + 1 : words.data;
	const char *command = words.data + strlen(words.data) + 1;
	if (!str_equal(program, "dewy") || command >= words.data + words.length)
		return 0;
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (str_equal(command, commands[i]))
			return works_in(name, &words, watch->doctor->root.path);
	return 0;
}

/* Returns true when a watch runs. */
static bool look_at_watch(const struct doctor *doctor, struct verdict *verdict)
{
	AUTO_CLOSE int dir = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct watch watch = {.doctor = doctor};
	struct error error;
	bool found = dir >= 0 && fs_each(dir, look_at_process, &watch, &error) > 0;

	if (found)
		verdict_ok(verdict, "dewy watch runs, process %lld", watch.pid);
	return found;
}

void doctor_schedule(struct doctor *doctor, struct verdict *verdict)
{
	struct error error;

	if (!doctor->rooted) {
		verdict_skip(verdict, "there is no root to look into");
		return;
	}
	if (look_at_timer(doctor, verdict) || look_at_watch(doctor, verdict) || look_at_cron(doctor, verdict))
		return;
	AUTO_FREE char *timer = unit_name(doctor, "dewy@", ".timer");
	error_set(&error, ERROR_CONFIG, "nobody runs dewy: no timer, no line for cron, no dewy watch");
	error_hint(&error, "systemctl enable --now %s, or a line for cron; dewy(7) has both", timer);
	verdict_warn(verdict, &error);
}

void doctor_service(struct doctor *doctor, struct verdict *verdict)
{
	if (!doctor->rooted || !units_are_here()) {
		verdict_skip(verdict, "no systemd runs here");
		return;
	}
	AUTO_FREE char *name = unit_name(doctor, "dewy-serve@", ".service");
	AUTO_JSON cJSON *unit = unit_read(name);
	const char *state = unit_get(unit, "ActiveState"), *restarts = unit_get(unit, "NRestarts");
	struct error error;

	if (!*state || (str_equal(state, "inactive") && !str_equal(unit_get(unit, "UnitFileState"), "enabled"))) {
		verdict_skip(verdict, "there is no unit %s, or it is not used", name);
		return;
	}
	if (str_equal(state, "active")) {
		verdict_ok(verdict, "%s is active, restarted %s times", name, *restarts ? restarts : "0");
		advise_enabling(name, unit, verdict);
		return;
	}
	error_set(&error, ERROR_APPLICATION, "%s is %s (%s), restarted %s times, with the result %s", name, state,
		  unit_get(unit, "SubState"), *restarts ? restarts : "0", unit_get(unit, "Result"));
	error_hint(&error, "journalctl -u %s says why; systemctl restart %s tries again", name, name);
	verdict_fail(verdict, &error);
}
