/* SPDX-License-Identifier: MIT */
/* ROOT, the directory of one application, and the directories that dewy keeps in it. */
#ifndef DEWY_ROOT_H
#define DEWY_ROOT_H

#include "cleanup.h"

#include <stdbool.h>

struct error;
struct stat;

struct root {
	char *path;   /* absolute, without symbolic links */
	int fd;       /* the directory */
	int state;    /* ROOT/.dewy, -1 when it is not there */
	int releases; /* ROOT/releases, -1 when it is not there */
	bool dry;     /* of a dry run: nothing that is to be remembered is written, and that counts as success */
};

#define AUTO_ROOT AUTO(root_close)

/* Opens ROOT; path may be NULL for the working directory. "/" and directories that others may write to are refused.
 * Returns 0, or -1; the caller gives root to root_close in both cases. */
int root_open(struct root *root, const char *path, struct error *error);

/* As root_open, for somebody who only reads: owner and mode do not matter as long as they allow that. */
int root_look(struct root *root, const char *path, struct error *error);

/* Opens ROOT again when path, as root_open had it, leads to another directory by now, or to the same one by another name. Returns
 * 0, or -1 with root as it was. */
int root_renew(struct root *root, const char *path, struct error *error);

/* True for a file or directory that nobody may write to, or own, but root, this user, its group, and the owner of ROOT, all of whom
 * decide what runs anyway. The sticky bit makes no difference: it keeps nobody from putting something there first. */
bool root_trusts(const struct root *root, const struct stat *status);

/* Creates what root_open did not find in ROOT. Returns 0 or -1. */
int root_prepare(struct root *root, struct error *error);

/* Returns 0 while the path of ROOT leads to the directory that was opened, else -1: the name is another one's, or nobody's. */
int root_check_name(const struct root *root, struct error *error);

void root_close(struct root *root);

/* Returns the absolute path of a file in ROOT/.dewy; the caller frees it. */
char *root_state_path(const struct root *root, const char *name);

/* True when key can be the name of an artifact in the cache, and there is room for those of a download under way: .KEY.part and
 * .KEY.part.json. */
bool root_is_cache_key(const char *key);

/* Opens the cache directory as root_open_cache does, but creates nothing. Returns a descriptor, or -1 when it is not there. */
int root_find_cache(const struct root *root, const char *where);

/* Returns the absolute path of the cache directory; where is as below. The caller frees it. */
char *root_cache_path(const struct root *root, const char *where);

/* Opens the cache directory: where says --cache, also as file:///DIR, or NULL for $DEWY_CACHEDIR or ROOT/.dewy/cache; created
 * when missing, and refused unless root_trusts it. Returns a descriptor or -1, and, unless ret_path is NULL, the absolute path,
 * which the caller frees. */
int root_open_cache(const struct root *root, const char *where, char **ret_path, struct error *error);

#endif
