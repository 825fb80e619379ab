/* SPDX-License-Identifier: MIT */
#include "handover.h"

#include "alloc.h"
#include "buf.h"
#include "cleanup.h"
#include "fs.h"
#include "json.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { SIZE_MOST = 16 << 20 };

struct handover handover_begin(struct handover_state *state)
{
	*state = (struct handover_state){.json = xrequire(cJSON_CreateObject())};
	return (struct handover){state->json, state};
}

static void note_fd(struct handover_state *state, int fd)
{
	state->fds = xreallocarray(state->fds, state->fd_count + 1, sizeof *state->fds);
	state->fds[state->fd_count++] = fd;
}

int handover_write(struct handover_state *state, struct error *error)
{
	AUTO_FREE char *text = json_print(state->json);
	int fd = fs_scratch(text, strlen(text), error);

	if (fd >= 0)
		note_fd(state, fd);
	return fd;
}

void handover_keep(const struct handover_state *state, bool keep)
{
	for (size_t i = 0; i < state->fd_count; i++)
		fcntl(state->fds[i], F_SETFD, keep ? 0 : FD_CLOEXEC);
}

int handover_read(struct handover_state *state, int fd, struct handover *ret, struct error *error)
{
	AUTO_BUF struct buf text = {0};

	*state = (struct handover_state){.reads = true};
	if (lseek(fd, 0, SEEK_SET) < 0 || buf_read(&text, fd, SIZE_MOST))
		return error_errno(error, errno, "cannot read what was handed over");
	state->json = json_parse(buf_text(&text), text.length, error);
	*ret = (struct handover){state->json, state};
	return state->json ? 0 : error_in(error, "what was handed over");
}

int handover_finish(const struct handover_state *state, struct error *error)
{
	if (state->failed)
		*error = state->error;
	return state->failed ? -1 : 0;
}

void handover_free(struct handover_state *state)
{
	cJSON_Delete(state->json);
	free(state->fds);
	*state = (struct handover_state){0};
}

void handover_refuse(const struct handover *handover, const char *name)
{
	if (handover->state->failed)
		return;
	handover->state->failed = true;
	error_set(&handover->state->error, ERROR_DOCUMENT, "what was handed over has no %s that is understood here", name);
}

bool handover_knows(const struct handover *handover, const char *name)
{
	return !handover->state->reads || json_get(handover->json, name);
}

/* As text, because a number of JSON is exact to 53 bits only. */
void handover_number(const struct handover *handover, const char *name, long long *value)
{
	if (!handover->state->reads) {
		AUTO_FREE char *digits = xasprintf("%lld", *value);
		json_set_string(handover->json, name, digits);
		return;
	}
	const char *text = json_string(handover->json, name);
	char *end;
	errno = 0;
	long long number = text ? strtoll(text, &end, 10) : 0;
	if (!text || !*text || *end || errno)
		handover_refuse(handover, name);
	else
		*value = number;
}

void handover_int(const struct handover *handover, const char *name, int *value)
{
	long long number = *value;

	handover_number(handover, name, &number);
	if (number < INT_MIN || number > INT_MAX)
		handover_refuse(handover, name);
	else
		*value = (int)number;
}

void handover_flag(const struct handover *handover, const char *name, bool *value)
{
	if (!handover->state->reads)
		json_set_bool(handover->json, name, *value);
	else if (!cJSON_IsBool(json_get(handover->json, name)))
		handover_refuse(handover, name);
	else
		*value = json_true(handover->json, name);
}

void handover_text(const struct handover *handover, const char *name, char *text, size_t size)
{
	if (!handover->state->reads) {
		json_set_string(handover->json, name, text);
		return;
	}
	const char *found = json_string(handover->json, name);
	if (found && strlen(found) < size)
		snprintf(text, size, "%s", found);
	else
		handover_refuse(handover, name);
}

void handover_string(const struct handover *handover, const char *name, char **text)
{
	if (handover->state->reads)
		*text = xstrdup(json_string(handover->json, name));
	else
		json_set_string(handover->json, name, *text);
}

void handover_word(const struct handover *handover, const char *name, const char *const *words, size_t count, int *value)
{
	if (!handover->state->reads) {
		json_set_string(handover->json, name, words[*value]);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (!words[i] || !str_equal(words[i], json_string(handover->json, name)))
			continue;
		*value = (int)i;
		return;
	}
	handover_refuse(handover, name);
}

void handover_fd(const struct handover *handover, const char *name, int *fd)
{
	handover_int(handover, name, fd);
	if (*fd < 0)
		return;
	note_fd(handover->state, *fd);
	if (handover->state->reads && fcntl(*fd, F_SETFD, FD_CLOEXEC))
		handover_refuse(handover, name);
}

size_t handover_list(const struct handover *handover, const char *name, size_t count)
{
	if (!handover->state->reads) {
		json_set(handover->json, name, cJSON_CreateArray());
		return count;
	}
	const cJSON *list = json_get(handover->json, name);
	if (!cJSON_IsArray(list))
		handover_refuse(handover, name);
	return (size_t)cJSON_GetArraySize(list);
}

struct handover handover_item(const struct handover *handover, const char *name, size_t index)
{
	cJSON *list = json_get(handover->json, name);

	if (!handover->state->reads)
		cJSON_AddItemToArray(list, xrequire(cJSON_CreateObject()));
	return (struct handover){cJSON_GetArrayItem(list, (int)index), handover->state};
}

struct handover handover_object(const struct handover *handover, const char *name)
{
	if (!handover->state->reads)
		json_set(handover->json, name, cJSON_CreateObject());
	return (struct handover){json_get(handover->json, name), handover->state};
}
