/* SPDX-License-Identifier: MIT */
#include "deploy/retired.h"

#include "alloc.h"
#include "error.h"
#include "fs.h"
#include "log.h"
#include "root/release.h"
#include "str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOWEST = 19, IO_OF_PROCESS = 1, IO_WHEN_IDLE = 3 << 13 };

static int hide(int dir, const char *name, struct error *error)
{
	AUTO_FREE char *hidden = xasprintf(".%s" RELEASE_RETIRED, name);

	log_debug("Take out of use", "name", name);
	if (renameat(dir, name, dir, hidden) && errno != ENOENT)
		return error_errno(error, errno, "cannot remove %s", name);
	return 0;
}

int retired_release(const struct root *root, const char *name, struct error *error)
{
	return hide(root->releases, name, error);
}

int retired_artifact(int cache, const char *key, struct error *error)
{
	return hide(cache, key, error);
}

bool retired_is_artifact(const char *name)
{
	return name[0] == '.' && strstr(name, "--") && str_ends(name, RELEASE_RETIRED);
}

struct removal {
	const struct root *root;
	int cache;
	bool durable; /* the hidden names of releases are */
	int failed;   /* not 0 when something could not be removed, which keeps nothing else from that */
	struct error *error;
};

/* A power cut must not give a release its name back that has lost its record, or a part of itself. */
static int remove_release(const char *name, void *context)
{
	struct removal *removal = context;
	const struct root *root = removal->root;

	if (!release_is_retired(name))
		return 0;
	if (!removal->durable && fs_sync_directory(root->releases, removal->error))
		return -1;
	removal->durable = true;
	AUTO_FREE char *record = xasprintf("releases/%.*s.json", RELEASE_NAME - 1, name + 1);
	log_debug("Remove release", "name", name);
	removal->failed |= fs_remove(root->state, record, removal->error) | fs_remove(root->releases, name, removal->error);
	return 0;
}

static int remove_artifact(const char *name, void *context)
{
	struct removal *removal = context;

	if (retired_is_artifact(name))
		removal->failed |= fs_remove(removal->cache, name, removal->error);
	return 0;
}

int retired_remove(const struct root *root, int cache, struct error *error)
{
	struct removal removal = {.root = root, .cache = cache, .error = error};

	if (root->releases >= 0 && root->state >= 0 && fs_each(root->releases, remove_release, &removal, error))
		return -1;
	if (cache >= 0 && fs_each(cache, remove_artifact, &removal, error))
		return -1;
	return removal.failed;
}

/* What the kernel or a container does not let through is left out. */
static void step_back(void)
{
	setpriority(PRIO_PROCESS, 0, LOWEST);
	syscall(SYS_ioprio_set, IO_OF_PROCESS, 0, IO_WHEN_IDLE); /* ioprio_set(2), for which there is no header */
}

void retired_sweep(const struct options *options, const struct root *root)
{
	AUTO_CLOSE int cache = root_find_cache(root, option_string(options, OPT_CACHE));
	struct error error;

	step_back();
	if (retired_remove(root, cache, &error))
		log_warn("Cannot remove old releases", "error", error.message, "hint", error.hint);
}
