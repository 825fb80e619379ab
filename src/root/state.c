/* SPDX-License-Identifier: MIT */
#include "root/state.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "fs.h"

#include <string.h>

enum { LIMIT = 1 << 20 };

int state_load(const struct root *root, const char *name, size_t limit, cJSON **ret, struct error *error)
{
	AUTO_BUF struct buf text = {0};
	int result = root->state < 0 ? 1 : fs_read_file(root->state, name, limit, &text, error);

	*ret = result == 0 ? json_parse(buf_text(&text), text.length, error) : NULL;
	return result || *ret ? result : state_is_damaged(root, name, error);
}

int state_is_damaged(const struct root *root, const char *name, struct error *error)
{
	return error_set(error, ERROR_FILESYSTEM, "%s/.dewy/%s is damaged", root->path, name);
}

cJSON *state_read(const struct root *root, const char *name)
{
	AUTO_JSON cJSON *object = NULL;
	struct error error;

	state_load(root, name, LIMIT, &object, &error);
	return cJSON_IsObject(object) ? steal_pointer(&object) : xrequire(cJSON_CreateObject());
}

const cJSON *state_read_once(const struct root *root, const char *name, cJSON **kept)
{
	if (!*kept)
		*kept = state_read(root, name);
	return *kept;
}

static int write_object(const struct root *root, const char *name, mode_t mode, const cJSON *object, fs_write *write,
			struct error *error)
{
	AUTO_FREE char *text = json_print(object);

	if (root->dry)
		return 0;
	if (root->state < 0)
		return error_set(error, ERROR_FILESYSTEM, "there is no %s/.dewy", root->path);
	return write(root->state, name, mode, text, strlen(text), error);
}

int state_write(const struct root *root, const char *name, const cJSON *object, struct error *error)
{
	return write_object(root, name, 0644, object, fs_write_file, error);
}

int state_write_passing(const struct root *root, const char *name, const cJSON *object, struct error *error)
{
	return write_object(root, name, 0644, object, fs_write_passing, error);
}

int state_write_private(const struct root *root, const char *name, const cJSON *object, struct error *error)
{
	return write_object(root, name, 0600, object, fs_write_file, error);
}
