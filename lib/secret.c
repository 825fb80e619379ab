/* SPDX-License-Identifier: MIT */
#include "secret.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { LIMIT = 65536 };

static int read_file(const char *variable, const char *path, char **ret_secret, struct error *error)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	AUTO_BUF struct buf content = {0};
	int result = fd < 0 ? -1 : buf_read(&content, fd, LIMIT);

	if (result < 0)
		error_set(error, ERROR_CONFIG, "cannot read the secret in %s, which %s names: %s", path, variable, strerror(errno));
	else if (result > 0)
		error_set(error, ERROR_CONFIG, "the secret in %s, which %s names, is larger than %d bytes", path, variable, LIMIT);
	else if (strcspn(buf_text(&content), "\r\n") == 0 || memchr(content.data, 0, content.length))
		error_set(error, ERROR_CONFIG, "the file %s, which %s names, holds no secret", path, variable);
	else {
		*ret_secret = xstrndup(content.data, strcspn(content.data, "\r\n"));
		return 0;
	}
	return error_hint(error, "name the file that holds the secret in %s, and give this user the right to read it", variable);
}

int secret_read(const char *name, char **ret_secret, struct error *error)
{
	AUTO_FREE char *variable = xasprintf("%s_FILE", name);
	const char *value = getenv(name), *path = getenv(variable);

	*ret_secret = value && *value ? xstrdup(value) : NULL;
	if (*ret_secret || !path || !*path)
		return 0;
	return read_file(variable, path, ret_secret, error);
}
