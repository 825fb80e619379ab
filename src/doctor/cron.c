/* SPDX-License-Identifier: MIT */
/* A line for cron: crontab(5), cron(8), and bin/dewy-cron.in. */
#include "doctor/runners.h"

#include "alloc.h"
#include "fs.h"
#include "str.h"

#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#define DEWY_CRON_STATE "/run/dewy-cron/"

enum { FILE_LIMIT = 1 << 20 };

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

/* True when the line has dewy-cron for ROOT (share/examples/crontab). */
static bool runs_dewy_cron(const struct doctor *doctor, const char *line)
{
	static const char program[] = "dewy-cron ", parent[] = "/opt/";
	const char *at = strstr(line, program), *root = doctor->root.path;
	size_t prefix = sizeof parent - 1;

	if (!at || !str_starts(root, parent))
		return false;
	at += sizeof program - 1;
	at += strspn(at, " \t");
	return strcspn(at, " \t;&|") == strlen(root + prefix) && str_starts(at, root + prefix);
}

/* True when the line is one of cron's that runs dewy in ROOT, or does not say where. */
static bool runs_dewy(const struct doctor *doctor, const char *line)
{
	bool elsewhere = strstr(line, "cd /") || strstr(line, "--root") || strstr(line, "DEWY_ROOT");

	line += strspn(line, " \t");
	if (*line == '#')
		return false;
	return runs_dewy_cron(doctor, line) || (strstr(line, "dewy ") && (!elsewhere || has_path(line, doctor->root.path)));
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

/* What dewy-cron says of the last run, when this user may see it. */
static void look_at_last_run(const struct doctor *doctor, struct verdict *verdict)
{
	const char *name = strrchr(doctor->root.path, '/') + 1;
	AUTO_FREE char *path = xasprintf(DEWY_CRON_STATE "%s.failed", name);
	AUTO_BUF struct buf status = {0};
	struct error error;

	if (fs_read_file(AT_FDCWD, path, FILE_LIMIT, &status, &error) || !status.length)
		return;
	error_set(&error, ERROR_APPLICATION, "the last run ended with status %.*s", (int)strcspn(status.data, "\n"), status.data);
	error_hint(&error, DEWY_CRON_STATE "%s.said says why", name);
	verdict_warn(verdict, &error);
}

bool cron_runs(const struct doctor *doctor, struct verdict *verdict)
{
	const struct passwd *user = getpwuid(geteuid());
	AUTO_FREE char *own = xasprintf("/var/spool/cron/crontabs/%s", user ? user->pw_name : "root");
	AUTO_CLOSE int dir = open("/etc/cron.d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct crontabs crontabs = {.doctor = doctor, .dir = dir};
	struct error error;

	if (!look_at_crontab("/etc/crontab", &crontabs) && !look_at_crontab(own, &crontabs) && dir >= 0)
		fs_each(dir, look_at_crontab, &crontabs, &error);
	AUTO_FREE char *found = crontabs.found;
	if (!found)
		return false;
	verdict_ok(verdict, "cron runs it: %s%s", *found == '/' ? "" : "/etc/cron.d/", found);
	look_at_last_run(doctor, verdict);
	return true;
}
