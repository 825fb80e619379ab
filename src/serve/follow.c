/* SPDX-License-Identifier: MIT */
#include "serve/follow.h"

#include "alloc.h"
#include "cleanup.h"
#include "log.h"
#include "serve/service.h"
#include "str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Returns the present name of ROOT, which the caller frees, also when another directory has the old one by now; NULL when it is the
 * old one, which may just not be to be looked at, or nobody knows. */
static char *present_name(const char *root)
{
	struct stat named, here;

	if (stat(".", &here) || (stat(root, &named) == 0 && named.st_dev == here.st_dev && named.st_ino == here.st_ino))
		return NULL;
	AUTO_FREE char *name = getcwd(NULL, 0);
	return name && name[0] == '/' && !str_equal(name, root) ? steal_pointer(&name) : NULL;
}

/* Returns what a path below the old root, or the root itself, is called now, which the caller frees; NULL for another path. */
static char *renamed(const char *path, const char *old, const char *new)
{
	const char *rest = path && str_starts(path, old) ? path + strlen(old) : NULL;

	return rest && (*rest == '/' || !*rest) ? xasprintf("%s%s", new, rest) : NULL;
}

static void rename_path(char **path, const char *old, const char *new)
{
	char *moved = renamed(*path, old, new);

	if (!moved)
		return;
	free(*path);
	*path = moved;
}

/* Where the new name is too long for a socket, workers are told the old one, and count as up once they have lived long enough. */
static void rename_address(char address[READINESS_ADDRESS], const char *old, const char *new)
{
	AUTO_FREE char *moved = renamed(address, old, new);

	if (moved && strlen(moved) < sizeof((struct sockaddr_un *)0)->sun_path)
		snprintf(address, READINESS_ADDRESS, "%s", moved);
}

void follow_root(struct service *service)
{
	struct settings *settings = service->settings;
	AUTO_FREE char *new = settings->root ? present_name(settings->root) : NULL;
	AUTO_FREE char *old = new ? xstrdup(settings->root) : NULL;
	char **const paths[] = {&settings->directory, &settings->pid_file, &settings->status_file,
				&settings->notify_file, &settings->log_file, &settings->envdir, &settings->root};

	if (!old)
		return;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		rename_path(paths[i], old, new);
	if (service->output.file)
		service->output.file = settings->log_file;
	rename_address(service->supervisor.notify_address, old, new);
	log_info("Root moved", "from", old, "to", new);
}
