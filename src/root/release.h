/* SPDX-License-Identifier: MIT */
/* Releases on disk: ROOT/releases/STAMP, the record ROOT/.dewy/releases/STAMP.json (the document that made it), and the
 * link ROOT/current. A directory without a record is not a release: it is what a run that was killed left behind. */
#ifndef DEWY_RELEASE_H
#define DEWY_RELEASE_H

#include "document.h"
#include "root/root.h"

#define RELEASE_NAME 17 /* bytes of 20240115T103045Z and its end */

/* True when name has the form of a release directory. */
bool release_is_name(const char *name);

/* True when name has the form of a directory that a release is extracted into before it has its name: .STAMP.partial. */
bool release_is_partial(const char *name);

#define RELEASE_RETIRED ".removed" /* what the hidden name of what is going to be removed ends in */

/* True when name has the form of what was a release and is going to be removed: .STAMP.removed. */
bool release_is_retired(const char *name);

/* Reads which release current leads to. Returns 0 with its name; 1 when there is no link, or it leads to nothing that is a
 * release; or -1. */
int release_current(const struct root *root, char name[RELEASE_NAME], struct error *error);

/* Returns the record of a release, which the caller deletes; NULL when there is none that can be read. */
cJSON *release_record(const struct root *root, const char *name);

/* Writes the record durably: the document, without what people were told and what hooks printed, because every poll reads it.
 * Returns 0 or -1. */
int release_write_record(const struct root *root, const char *name, const cJSON *document, struct error *error);

/* True when the record is of a release whose deployment has not come to its end: it is complete on disk, but either current
 * was not switched, or what comes after the switch was not done. Its state is still "fetched". */
bool release_is_unfinished(const cJSON *record);

/* Sets the state in the record: "running" once its server has proved itself, "deployed" before. A server release that current
 * leads to and that is not marked running still needs a restart, whoever was interrupted. One that was ever marked running keeps
 * the member "served", so that it is not blamed later for what keeps it from starting. Returns 0 or -1. */
int release_mark(const struct root *root, const char *name, enum state state, struct error *error);

/* Chooses the name of the next release: the present second, or the first one after every release that is there. Returns 0
 * or -1. */
int release_next_name(const struct root *root, char name[RELEASE_NAME], struct error *error);

/* Lists the releases that have both a directory and a record, oldest first. Returns how many, or -1; the caller frees
 * *ret_names, one block of names. */
int release_list(const struct root *root, char (**ret_names)[RELEASE_NAME], struct error *error);

/* Makes current lead to the release, in one step and durably, and writes its cache key to the file current in the cache
 * (cache -1: one that could not be opened, which keeps nobody from switching). Returns 0 or -1. */
int release_switch(const struct root *root, const char *name, int cache, struct error *error);

/* Makes the file current in ROOT's own cache say the key of what is deployed, unless it does: a run that switched may not have got
 * to that. Nothing happens with key NULL, or without that cache. */
void release_heal_key(const struct root *root, const char *key);

/* Makes the file current in the cache say what the link current leads to. Returns 0 or -1. */
int release_heal_cache(const struct root *root, int cache, struct error *error);

/* Returns the absolute path of the release; the caller frees it. */
char *release_path(const struct root *root, const char *name);

/* Finds the release that the program of a process is in, or else its working directory. Returns name, or NULL when that is none, or
 * this user may not know. */
const char *release_of_process(const struct root *root, pid_t pid, char name[RELEASE_NAME]);

#endif
