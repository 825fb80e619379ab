/* SPDX-License-Identifier: MIT */
/* What a process keeps when it executes another program, or its own again: values, as JSON in an anonymous file, and
 * descriptors. One list of members serves both directions: the same calls put the values down before, and set them after. */
#ifndef DEWY_HANDOVER_H
#define DEWY_HANDOVER_H

#include "error.h"

#include <cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct handover_state {
	cJSON *json;
	bool reads;         /* values are set, not put down */
	bool failed;        /* a member is missing or wrong; then error says which */
	struct error error;
	int *fds;           /* those that were put down or set, and, when it is written, the file itself */
	size_t fd_count;
};

/* An object of it. */
struct handover {
	cJSON *json;
	struct handover_state *state;
};

/* Begins to put down. Returns the outermost object; the caller gives state to handover_free. */
struct handover handover_begin(struct handover_state *state);

/* Writes all that was put down to an anonymous file. Returns its descriptor, which the caller closes, or -1. */
int handover_write(struct handover_state *state, struct error *error);

/* Lets the program that is executed next inherit all of fds, or not any longer. */
void handover_keep(const struct handover_state *state, bool keep);

/* Reads what was written to fd. Returns 0 with the outermost object in ret, or -1; the caller gives state to handover_free in
 * both cases, and asks handover_finish before it relies on anything. */
int handover_read(struct handover_state *state, int fd, struct handover *ret, struct error *error);

/* Returns 0 when all members that were asked for were there, or -1. */
int handover_finish(const struct handover_state *state, struct error *error);

void handover_free(struct handover_state *state);

/* True when members are put down, or this one is there: for those that a program of before may not have known. */
bool handover_knows(const struct handover *handover, const char *name);

/* One member each. A value that is not there or not right leaves what it was to be set to as it is, and fails in
 * handover_finish. */
void handover_number(const struct handover *handover, const char *name, long long *value);
void handover_int(const struct handover *handover, const char *name, int *value);
void handover_flag(const struct handover *handover, const char *name, bool *value);

/* A text in an array of size bytes, which includes the terminator. */
void handover_text(const struct handover *handover, const char *name, char *text, size_t size);

/* A text, or NULL; when it is set, the caller frees it. */
void handover_string(const struct handover *handover, const char *name, char **text);

/* One of count words, by its index. */
void handover_word(const struct handover *handover, const char *name, const char *const *words, size_t count, int *value);

/* A descriptor, or -1. One that is set is closed on exec again. */
void handover_fd(const struct handover *handover, const char *name, int *fd);

/* Says that a member is not what it has to be. */
void handover_refuse(const struct handover *handover, const char *name);

/* Returns an object within. */
struct handover handover_object(const struct handover *handover, const char *name);

/* A list of objects. Returns how many there are: count when it is put down. */
size_t handover_list(const struct handover *handover, const char *name, size_t count);

/* Returns the object at index of the list, which is added when it is put down. */
struct handover handover_item(const struct handover *handover, const char *name, size_t index);

#endif
