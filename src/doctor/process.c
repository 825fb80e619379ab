/* SPDX-License-Identifier: MIT */
#include "doctor/process.h"

#include "alloc.h"
#include "cleanup.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
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

/* True when the signal is in a set, such as "SigCgt", of what /proc/PID/status says. */
static bool has_signal(const struct buf *status, const char *set, int number)
{
	const char *line = strstr(buf_text(status), set);

	return line && (strtoull(line + strlen(set) + 1, NULL, 16) >> (number - 1) & 1);
}

enum process_reaction process_reaction(pid_t pid, int number)
{
	AUTO_BUF struct buf status = {0};

	if (!process_read_words(pid, "status", &status) || has_signal(&status, "SigCgt", number) ||
	    has_signal(&status, "SigBlk", number))
		return REACTION_TAKES;
	bool harmless = number == SIGCONT || number == SIGWINCH; /* signal(7) */
	return harmless || has_signal(&status, "SigIgn", number) ? REACTION_IGNORES : REACTION_ENDS;
}

bool process_is_watch(const char *description)
{
	return str_equal(description, "dewy watch") || str_equal(description, "dewy server") ||
	       str_equal(description, "dewy assets");
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
