/* SPDX-License-Identifier: MIT */
#include "root/state.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "fs.h"

#include <string.h>

enum { LIMIT = 1 << 20 };

cJSON *state_read(const struct root *root, const char *name)
{
	AUTO_BUF struct buf text = {0};
	struct error error;

	if (root->state >= 0 && fs_read_file(root->state, name, LIMIT, &text, &error) == 0) {
		AUTO_JSON cJSON *object = json_parse(buf_text(&text), text.length, &error);
		if (cJSON_IsObject(object))
			return steal_pointer(&object);
	}
	return xrequire(cJSON_CreateObject());
}

static int write_object(const struct root *root, const char *name, mode_t mode, const cJSON *object, struct error *error)
{
	AUTO_FREE char *text = json_print(object);

	if (root->dry)
		return 0;
	if (root->state < 0)
		return error_set(error, ERROR_FILESYSTEM, "there is no %s/.dewy", root->path);
	return fs_write_file(root->state, name, mode, text, strlen(text), error);
}

int state_write(const struct root *root, const char *name, const cJSON *object, struct error *error)
{
	return write_object(root, name, 0644, object, error);
}

int state_write_private(const struct root *root, const char *name, const cJSON *object, struct error *error)
{
	return write_object(root, name, 0600, object, error);
}
