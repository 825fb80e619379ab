/* SPDX-License-Identifier: MIT */
#include "serve/envdir.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "fs.h"
#include "handover.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { VALUE_LIMIT = 128 << 10 }; /* MAX_ARG_STRLEN: the kernel takes no longer one */

struct reading {
	struct envdir *envdir;
	int dir;
	struct error *error;
};

static void add_variable(struct envdir *envdir, struct envdir_variable variable)
{
	envdir->variables = xreallocarray(envdir->variables, envdir->count + 1, sizeof *envdir->variables);
	envdir->variables[envdir->count++] = variable;
}

static int read_variable(const char *name, void *context)
{
	struct reading *reading = context;
	AUTO_BUF struct buf content = {0};

	if (name[0] == '.' || strchr(name, '='))
		return 0;
	AUTO_CLOSE int fd = openat(reading->dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || buf_read(&content, fd, VALUE_LIMIT) < 0)
		return error_errno(reading->error, errno, "cannot read %s", name);
	if (!content.length)
		return 0;
	content.data[strcspn(content.data, "\n")] = '\0';
	add_variable(reading->envdir, (struct envdir_variable){xstrdup(name), buf_steal(&content)});
	return 0;
}

int envdir_read(struct envdir *ret, const char *path, struct error *error)
{
	*ret = (struct envdir){0};
	if (!path)
		return 0;
	AUTO_CLOSE int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(error, errno, "cannot open --envdir %s", path);
	struct reading reading = {.envdir = ret, .dir = dir, .error = error};
	return fs_each(dir, read_variable, &reading, error) ? error_in(error, "--envdir %s", path) : 0;
}

void envdir_free(struct envdir *envdir)
{
	for (size_t i = 0; i < envdir->count; i++) {
		free(envdir->variables[i].name);
		free(envdir->variables[i].value);
	}
	free(envdir->variables);
	*envdir = (struct envdir){0};
}

const char *envdir_get(const struct envdir *envdir, const char *name)
{
	for (size_t i = 0; i < envdir->count; i++)
		if (str_equal(envdir->variables[i].name, name))
			return envdir->variables[i].value;
	return NULL;
}

void envdir_apply(const struct envdir *envdir)
{
	for (size_t i = 0; i < envdir->count; i++)
		setenv(envdir->variables[i].name, envdir->variables[i].value, 1);
}

void envdir_hand_over(struct envdir *envdir, const struct handover *handover)
{
	size_t count = handover_list(handover, "envdir", envdir->count);

	for (size_t i = 0; i < count; i++) {
		struct handover item = handover_item(handover, "envdir", i);
		if (handover->state->reads)
			add_variable(envdir, (struct envdir_variable){0});
		handover_string(&item, "name", &envdir->variables[i].name);
		handover_string(&item, "value", &envdir->variables[i].value);
		if (!envdir->variables[i].name || !envdir->variables[i].value)
			handover_refuse(&item, "name");
	}
}
