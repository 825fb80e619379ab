/* SPDX-License-Identifier: MIT */
#include "root/release.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "fs.h"
#include "log.h"
#include "str.h"
#include "time.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "releases/"

bool release_is_name(const char *name)
{
	time_t when;

	return time_parse_stamp(name, &when) == 0;
}

/* True for a hidden name that was made of that of a release. */
static bool is_hidden(const char *name, const char *suffix)
{
	char stamp[RELEASE_NAME];

	if (name[0] != '.' || strlen(name) != RELEASE_NAME + strlen(suffix) || !str_ends(name, suffix))
		return false;
	memcpy(stamp, name + 1, RELEASE_NAME - 1);
	stamp[RELEASE_NAME - 1] = '\0';
	return release_is_name(stamp);
}

bool release_is_partial(const char *name)
{
	return is_hidden(name, ".partial");
}

bool release_is_retired(const char *name)
{
	return is_hidden(name, RELEASE_RETIRED);
}

static bool is_release(const struct root *root, const char *name)
{
	AUTO_FREE char *record = xasprintf("releases/%s.json", name);
	struct stat status;

	return release_is_name(name) && root->state >= 0 && root->releases >= 0 &&
	       fstatat(root->releases, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode) &&
	       fstatat(root->state, record, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode);
}

int release_current(const struct root *root, char name[RELEASE_NAME], struct error *error)
{
	char target[sizeof PREFIX + RELEASE_NAME];
	int result = fs_read_link(root->fd, "current", target, sizeof target, error);

	if (result < 0 && error->code == ERROR_FILESYSTEM)
		return error_hint(error, "move ROOT/current away: dewy keeps a link of that name, which leads to releases/");
	if (result)
		return result;
	if (!str_starts(target, PREFIX) || !is_release(root, target + strlen(PREFIX)))
		return 1;
	memcpy(name, target + strlen(PREFIX), RELEASE_NAME);
	return 0;
}

cJSON *release_record(const struct root *root, const char *name)
{
	AUTO_FREE char *file = xasprintf("releases/%s.json", name);
	AUTO_BUF struct buf text = {0};
	struct error error;

	if (root->state < 0 || fs_read_file(root->state, file, DOCUMENT_LIMIT, &text, &error))
		return NULL;
	return document_parse(buf_text(&text), text.length, &error);
}

/* Opens ROOT/.dewy/releases. */
static int open_records(const struct root *root, struct error *error)
{
	int records = fs_open_directory(root->state, "releases", error);

	return records < 0 ? error_in(error, ".dewy") : records;
}

int release_write_record(const struct root *root, const char *name, const cJSON *document, struct error *error)
{
	AUTO_CLOSE int records = open_records(root, error);
	AUTO_JSON cJSON *record = xrequire(cJSON_Duplicate(document, true));

	json_set_string(record, "notices", NULL);
	json_set_string(record, "deploy.hooks", NULL);
	AUTO_FREE char *file = xasprintf("%s.json", name), *text = json_print(record);
	if (records < 0)
		return -1;
	return fs_write_file(records, file, 0644, text, strlen(text), error);
}

bool release_is_unfinished(const cJSON *record)
{
	return record && document_state(record) == STATE_FETCHED;
}

int release_mark(const struct root *root, const char *name, enum state state, struct error *error)
{
	AUTO_JSON cJSON *record = release_record(root, name);

	if (!record)
		return error_set(error, ERROR_FILESYSTEM, "the release %s has no record that can be read", name);
	if (document_state(record) == state)
		return 0;
	document_set_state(record, state, NULL);
	if (state == STATE_RUNNING)
		json_set_bool(record, "served", true);
	return release_write_record(root, name, record, error);
}

static int newest(const char *name, void *context)
{
	char *latest = context;

	if (release_is_name(name) && strcmp(name, latest) > 0)
		memcpy(latest, name, RELEASE_NAME);
	return 0;
}

int release_next_name(const struct root *root, char name[RELEASE_NAME], struct error *error)
{
	char latest[RELEASE_NAME] = "", text[TIME_TEXT];
	time_t now = (time_t)(time_now() / 1000), after;

	if (root->releases >= 0 && fs_each(root->releases, newest, latest, error))
		return -1;
	if (*latest && time_parse_stamp(latest, &after) == 0 && now <= after)
		now = after +
		      1; /* two within a second, or a clock that was set back: the order of names is the order of releases */
	if (strlen(time_stamp(now, text)) != RELEASE_NAME - 1) {
		error_set(error, ERROR_FILESYSTEM, "releases/%s leaves no name for a later release", latest);
		return error_hint(error, "move that directory away");
	}
	memcpy(name, text, RELEASE_NAME);
	return 0;
}

struct listing {
	const struct root *root;
	char (*names)[RELEASE_NAME];
	int count;
};

static int add_release(const char *name, void *context)
{
	struct listing *listing = context;

	if (!is_release(listing->root, name))
		return 0;
	listing->names = xreallocarray(listing->names, (size_t)listing->count + 1, RELEASE_NAME);
	memcpy(listing->names[listing->count++], name, RELEASE_NAME);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

int release_list(const struct root *root, char (**ret_names)[RELEASE_NAME], struct error *error)
{
	struct listing listing = {.root = root};

	*ret_names = NULL;
	if (root->releases < 0)
		return 0;
	if (fs_each(root->releases, add_release, &listing, error)) {
		free(listing.names);
		return -1;
	}
	if (listing.count)
		qsort(listing.names, (size_t)listing.count, RELEASE_NAME, by_name);
	*ret_names = listing.names;
	return listing.count;
}

/* It is for people, and healed by what comes next: nobody waits for it to be durable. */
static int note_key(int cache, const char *key, struct error *error)
{
	AUTO_BUF struct buf there = {0};

	if (!key || cache < 0)
		return 0;
	if (fs_read_file(cache, "current", 4096, &there, error) == 0 && str_equal(buf_text(&there), key))
		return 0;
	return fs_write_passing(cache, "current", 0644, key, strlen(key), error);
}

static int write_cache_current(const struct root *root, const char *name, int cache, struct error *error)
{
	AUTO_JSON cJSON *record = release_record(root, name);

	return note_key(cache, json_string(record, "artifact.cache_key"), error);
}

static void warn_of_key(const struct error *error)
{
	log_warn("Cannot write the current cache key", "error", error->message);
}

int release_switch(const struct root *root, const char *name, int cache, struct error *error)
{
	char target[sizeof PREFIX + RELEASE_NAME];

	snprintf(target, sizeof target, PREFIX "%s", name);
	if (fs_replace_link(root->fd, "current", target, error))
		return -1;
	struct error unwritten;
	if (write_cache_current(root, name, cache, &unwritten)) /* the link decides; the next run heals the file */
		warn_of_key(&unwritten);
	return 0;
}

int release_heal_cache(const struct root *root, int cache, struct error *error)
{
	char name[RELEASE_NAME];
	int result = release_current(root, name, error);

	return result < 0 ? -1 : result ? 0 : write_cache_current(root, name, cache, error);
}

void release_heal_key(const struct root *root, const char *key)
{
	AUTO_CLOSE int cache = openat(root->state, "cache", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct error error;

	if (note_key(cache, key, &error))
		warn_of_key(&error);
}

char *release_path(const struct root *root, const char *name)
{
	return xasprintf("%s/" PREFIX "%s", root->path, name);
}

/* Finds the release that a link of a process leads into, as release_of_process does. */
static const char *follow(const struct root *root, pid_t pid, const char *link, char name[RELEASE_NAME])
{
	AUTO_FREE char *path = xasprintf("/proc/%d/%s", (int)pid, link), *releases = xasprintf("%s/releases/", root->path);
	char target[PATH_MAX];
	ssize_t length = readlink(path, target, sizeof target - 1);

	if (length < 0)
		return NULL;
	target[length] = '\0';
	if (!str_starts(target, releases) || strlen(target) < strlen(releases) + RELEASE_NAME - 1)
		return NULL;
	memcpy(name, target + strlen(releases), RELEASE_NAME - 1);
	name[RELEASE_NAME - 1] = '\0';
	return release_is_name(name) ? name : NULL;
}

const char *release_of_process(const struct root *root, pid_t pid, char name[RELEASE_NAME])
{
	const char *release = follow(root, pid, "exe", name);

	return release ? release : follow(root, pid, "cwd", name);
}
