/* SPDX-License-Identifier: MIT */
/* dewy watch, also as dewy server and dewy assets. */
#include "doctor/runners.h"

#include "alloc.h"
#include "doctor/process.h"
#include "fs.h"
#include "str.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* True when one of the words is the text. */
static bool has_word(const struct buf *words, const char *text)
{
	for (const char *word = words->data; word && word < words->data + words->length; word += strlen(word) + 1)
		if (str_equal(word, text))
			return true;
	return false;
}

/* True when the process has ROOT as --root, in DEWY_ROOT, or as its working directory. */
static bool works_in(pid_t pid, const char *root)
{
	AUTO_FREE char *link = xasprintf("/proc/%d/cwd", (int)pid), *setting = xasprintf("DEWY_ROOT=%s", root);
	AUTO_FREE char *option = xasprintf("--root=%s", root);
	AUTO_BUF struct buf words = {0}, environment = {0};
	char directory[PATH_MAX];
	ssize_t length = readlink(link, directory, sizeof directory - 1);

	directory[length > 0 ? length : 0] = '\0';
	process_read_words(pid, "cmdline", &words);
	return has_word(&words, root) || has_word(&words, option) || str_equal(directory, root) ||
	       (process_read_words(pid, "environ", &environment) && has_word(&environment, setting));
}

/* A watch that is looked for. */
struct watch {
	const struct doctor *doctor;
	long long pid;
};

static int look_at_process(const char *name, void *context)
{
	struct watch *watch = context;

	if (str_to_number(name, &watch->pid))
		return 0;
	AUTO_FREE char *description = process_describe((pid_t)watch->pid);
	return process_is_watch(description) && works_in((pid_t)watch->pid, watch->doctor->root.path);
}

bool watch_runs(const struct doctor *doctor, struct verdict *verdict)
{
	AUTO_CLOSE int dir = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct watch watch = {.doctor = doctor};
	struct error error;
	bool found = dir >= 0 && fs_each(dir, look_at_process, &watch, &error) > 0;

	if (found)
		verdict_ok(verdict, "dewy watch runs, process %lld", watch.pid);
	return found;
}
