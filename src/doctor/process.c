/* SPDX-License-Identifier: MIT */
#include "doctor/process.h"

#include "alloc.h"
#include "cleanup.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { FILE_LIMIT = 1 << 20 };

bool process_read_words(pid_t pid, const char *file, struct buf *words)
{
	AUTO_FREE char *path = xasprintf("/proc/%d/%s", (int)pid, file);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && buf_read(words, fd, FILE_LIMIT) == 0 && words->length;
}

bool process_is_hidden(pid_t pid)
{
	AUTO_FREE char *path = xasprintf("/proc/%d/exe", (int)pid);
	char target[1];

	return readlink(path, target, sizeof target) < 0 && (errno == EACCES || errno == EPERM);
}

char *process_describe(pid_t pid)
{
	AUTO_BUF struct buf words = {0};

	if (!process_read_words(pid, "cmdline", &words))
		return xstrdup("");
	const char *slash = strrchr(words.data, '/'), *name = slash ? slash + 1 : words.data;
	const char *command = words.data + strlen(words.data) + 1;
	bool shown = str_equal(name, "dewy") && command < words.data + words.length;
	return xasprintf("%s%s%s", name, shown ? " " : "", shown ? command : "");
}
