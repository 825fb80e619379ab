/* SPDX-License-Identifier: MIT */
/* The cache, and room for one more release. */
#include "doctor/doctor.h"

#include "alloc.h"
#include "fs.h"
#include "json.h"
#include "root/release.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { SPARE = 3, LEAST_PERCENT = 5, LEAST_BYTES = 1 << 20 };

/* Returns the mount point that path lies below, with the type of its file system; the caller frees it. */
static char *mount_of(const char *path)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	AUTO_FREE char *found = NULL;
	const struct mntent *mount;
	size_t longest = 0;

	while (mounts && (mount = getmntent(mounts))) {
		size_t length = strlen(mount->mnt_dir);
		bool below = str_starts(path, mount->mnt_dir) && (length == 1 || path[length] == '/' || !path[length]);
		if (!below || length < longest)
			continue;
		longest = length;
		free(found);
		found = xasprintf("%s (%s)", mount->mnt_dir, mount->mnt_type);
	}
	if (mounts)
		endmntent(mounts);
	return found ? steal_pointer(&found) : xstrdup("an unknown file system");
}

/* Opens the directory, or the one above that it would be made in. Returns a descriptor or -1 with errno. */
static int open_or_above(const struct doctor *doctor, const char *path)
{
	AUTO_FREE char *above = xstrndup(path, (size_t)(strrchr(path, '/') - path) + (strrchr(path, '/') == path));
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	AUTO_FREE char *state = root_state_path(&doctor->root, "");
	bool own = str_starts(state, above) && strlen(state) == strlen(above) + 1;
	return open(own && access(above, F_OK) ? doctor->root.path : above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

struct content {
	int dir;
	long long bytes;
	int files;
};

static int add_file(const char *name, void *context)
{
	struct content *content = context;
	struct stat status;

	if (fstatat(content->dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode)) {
		content->bytes += (long long)status.st_size;
		content->files++;
	}
	return 0;
}

void doctor_cache(struct doctor *doctor, struct verdict *verdict)
{
	struct error error;

	if (!doctor->rooted) {
		verdict_skip(verdict, "there is no root to look into");
		return;
	}
	AUTO_FREE char *path = root_cache_path(&doctor->root, option_string(doctor->options, OPT_CACHE)), *mount = mount_of(path);
	AUTO_CLOSE int dir = open_or_above(doctor, path);
	if (dir < 0 || faccessat(dir, ".", W_OK | X_OK, AT_EACCESS)) {
		error_errno(&error, errno, dir < 0 ? "cannot open the cache %s" : "this user may not write to the cache %s", path);
		error_hint(&error, "create it for the user that runs dewy, or name another directory with --cache");
		verdict_fail(verdict, &error);
		return;
	}
	if (access(path, F_OK)) {
		verdict_ok(verdict, "%s on %s is made by the first run", path, mount);
		return;
	}
	struct content content = {.dir = dir};
	AUTO_BUF struct buf size = {0};
	fs_each(dir, add_file, &content, &error);
	str_add_size(&size, content.bytes);
	verdict_ok(verdict, "%s on %s, %d file%s, %s", path, mount, content.files, content.files == 1 ? "" : "s",
		   buf_text(&size));
}

/* What one more release takes. */
struct need {
	long long artifact, extracted; /* bytes */
	long long files;
};

/* Learns what the release takes, by the one that is deployed and the artifact that was found. */
static struct need find_need(const struct doctor *doctor)
{
	char name[RELEASE_NAME];
	struct error error;
	AUTO_JSON cJSON *record = release_current(&doctor->root, name, &error) ? NULL : release_record(&doctor->root, name);
	struct need need = {
		.artifact = doctor->artifact_size >= 0 ? doctor->artifact_size : json_number(record, "artifact.size", 0),
		.extracted = json_number(record, "deploy.bytes", 0),
		.files = json_number(record, "deploy.files", 0),
	};

	if (need.extracted < need.artifact)
		need.extracted = need.artifact;
	return need;
}

/* A file system, and what is to fit on it. */
struct room {
	const char *what; /* lies on it: "the root" */
	int dir;
	long long bytes, files;
};

static void look_at_inodes(const struct room *room, const struct statvfs *system, struct verdict *verdict)
{
	struct error error;

	if (!system->f_files || (long long)system->f_favail >= SPARE * (room->files + 1))
		return;
	error_set(&error, ERROR_SPACE, "%s has %llu free inodes, and a release takes %lld", room->what,
		  (unsigned long long)system->f_favail, room->files);
	error_hint(&error, "remove files there, or lower --keep");
	(long long)system->f_favail < room->files + 1 ? verdict_fail(verdict, &error) : verdict_warn(verdict, &error);
}

static void look_at_room(const struct room *room, struct verdict *verdict)
{
	AUTO_BUF struct buf text = {0}, needed = {0};
	struct statvfs system;
	struct error error;

	if (fstatvfs(room->dir, &system)) {
		error_errno(&error, errno, "cannot look at the file system of %s", room->what);
		verdict_fail(verdict, &error);
		return;
	}
	long long free = fs_free_space(room->dir), all = (long long)system.f_blocks * (long long)system.f_frsize;
	bool none = free < room->bytes + LEAST_BYTES, little = free < SPARE * room->bytes || free / LEAST_PERCENT < all / 100;
	str_add_size(&text, free);
	buf_puts(&text, " of ");
	str_add_size(&text, all);
	str_add_size(&needed, room->bytes);
	look_at_inodes(room, &system, verdict);
	if (!none && !little) {
		verdict_ok(verdict, "%s has %s free, and a release takes about %s", room->what, text.data, needed.data);
		return;
	}
	error_set(&error, ERROR_SPACE, "%s has %s free, and a release takes about %s", room->what, text.data, needed.data);
	error_hint(&error, "free space there, lower --keep, or move the cache with --cache");
	none ? verdict_fail(verdict, &error) : verdict_warn(verdict, &error);
}

void doctor_disk(struct doctor *doctor, struct verdict *verdict)
{
	struct stat root, cache;

	if (!doctor->rooted) {
		verdict_skip(verdict, "there is no root to look into");
		return;
	}
	AUTO_FREE char *path = root_cache_path(&doctor->root, option_string(doctor->options, OPT_CACHE));
	AUTO_CLOSE int dir = open_or_above(doctor, path);
	struct need need = find_need(doctor);
	bool same = dir >= 0 && fstat(dir, &cache) == 0 && fstat(doctor->root.fd, &root) == 0 && cache.st_dev == root.st_dev;
	struct room rooms[] = {
		{"the root", doctor->root.fd, need.extracted + (same ? need.artifact : 0), need.files},
		{"the cache", dir, need.artifact, 1},
	};
	look_at_room(&rooms[0], verdict);
	if (!same && dir >= 0)
		look_at_room(&rooms[1], verdict);
}
