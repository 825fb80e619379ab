/* SPDX-License-Identifier: MIT */
#include "secret.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "proc.h"
#include "redact.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { LIMIT = 65536 };

/* Reads the file that the variable names. */
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
		*ret_secret = buf_steal(&content);
		return 0;
	}
	return error_hint(error, "name the file that holds the secret in %s, and give this user the right to read it", variable);
}

/* Not all that is read so is to be hidden: ids and user names are what people look for in an error. */
static void learn(const char *name, const char *value)
{
	if (redact_is_secret_name(name))
		redact_learn(value);
}

int secret_read_file(const char *variable, char **ret_secret, struct error *error)
{
	const char *path = proc_variable(variable);
	size_t suffix = str_ends(variable, "_FILE") || str_ends(variable, "_PATH") ? 5 : 0;
	AUTO_FREE char *name = xstrndup(variable, strlen(variable) - suffix);

	*ret_secret = NULL;
	if (path && read_file(variable, path, ret_secret, error))
		return -1;
	learn(name, *ret_secret);
	return 0;
}

char *secret_credential(const char *name)
{
	const char *directory = proc_variable("CREDENTIALS_DIRECTORY");
	AUTO_FREE char *path = directory ? xasprintf("%s/%s", directory, name) : NULL;

	return path && access(path, F_OK) == 0 ? steal_pointer(&path) : NULL;
}

int secret_read_text(const char *name, char **ret_secret, struct error *error)
{
	AUTO_FREE char *variable = xasprintf("%s_FILE", name), *credential = secret_credential(name);

	*ret_secret = xstrdup(proc_variable(name));
	if (!*ret_secret && secret_read_file(variable, ret_secret, error))
		return -1;
	if (!*ret_secret && credential && read_file("CREDENTIALS_DIRECTORY", credential, ret_secret, error))
		return -1;
	learn(name, *ret_secret);
	return 0;
}

char *secret_source(const char *name)
{
	AUTO_FREE char *variable = xasprintf("%s_FILE", name), *credential = secret_credential(name);
	const char *path = proc_variable(variable);

	if (proc_variable(name))
		return xstrdup(name);
	return path ? xasprintf("%s, which %s names", path, variable) : steal_pointer(&credential);
}

int secret_read(const char *name, char **ret_secret, struct error *error)
{
	if (secret_read_text(name, ret_secret, error))
		return -1;
	if (*ret_secret)
		(*ret_secret)[strcspn(*ret_secret, "\r\n")] = '\0';
	return 0;
}
