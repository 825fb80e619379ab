/* SPDX-License-Identifier: MIT */
#include "alloc.h"
#include "cleanup.h"
#include "proc.h"
#include "str.h"
#include "time.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct state {
	char letter;
	pid_t parent, group;
	int terminal; /* 0 for none */
	unsigned long long ticks; /* since boot, when it began */
};

/* Reads /proc/PID/stat. Returns 0; or -1 when there is no such process, or it has ended. */
static int read_state(pid_t pid, struct state *ret)
{
	AUTO_FREE char *path = xasprintf("/proc/%d/stat", (int)pid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_BUF struct buf content = {0};

	if (fd < 0 || buf_read(&content, fd, 8192))
		return -1;
	const char *after = strrchr(buf_text(&content), ')'); /* the name before it may hold anything */
	if (!after || sscanf(after, ") %c %d %d %*d %d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ret->letter,
			     &ret->parent, &ret->group, &ret->terminal, &ret->ticks) != 5)
		return -1;
	return ret->letter == 'Z' || ret->letter == 'X' ? -1 : 0;
}

pid_t proc_parent(pid_t pid)
{
	struct state state;

	return read_state(pid, &state) ? -1 : state.parent;
}

bool proc_is_stopped(pid_t pid)
{
	struct state state;

	return read_state(pid, &state) == 0 && (state.letter == 'T' || state.letter == 't');
}

bool proc_has_terminal(pid_t pid)
{
	struct state state;

	return read_state(pid, &state) == 0 && state.terminal != 0;
}

long long proc_age(pid_t pid)
{
	struct state state;
	struct timespec boot;

	if (read_state(pid, &state))
		return -1;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	long long age = boot.tv_sec * 1000LL + boot.tv_nsec / 1000000 - (long long)state.ticks * 1000 / sysconf(_SC_CLK_TCK);
	return age < 0 ? 0 : age;
}

long long proc_started_at(pid_t pid)
{
	long long age = proc_age(pid);

	return age < 0 ? -1 : time_now() - age;
}

/* Reads the next living process. Returns its pid, or 0 when there is none left. */
static pid_t next_process(DIR *processes, struct state *ret)
{
	const struct dirent *entry;
	long long pid;

	while (processes && (entry = readdir(processes)))
		if (str_to_number(entry->d_name, &pid) == 0 && read_state((pid_t)pid, ret) == 0)
			return (pid_t)pid;
	return 0;
}

size_t proc_children(pid_t parent, pid_t *ret_children, size_t most)
{
	AUTO_CLOSEDIR DIR *processes = opendir("/proc");
	struct state state;
	size_t count = 0;
	pid_t pid;

	while (count < most && (pid = next_process(processes, &state)))
		if (state.parent == parent)
			ret_children[count++] = pid;
	return count;
}

bool proc_group_lives(pid_t group)
{
	AUTO_CLOSEDIR DIR *processes = NULL;
	struct state state;

	if (kill(-group, 0) && errno == ESRCH)
		return false;
	processes = opendir("/proc");
	if (!processes)
		return true;
	while (next_process(processes, &state))
		if (state.group == group)
			return true;
	return false;
}

bool proc_runs_below(pid_t pid, const char *directory)
{
	AUTO_FREE char *path = xasprintf("/proc/%d/exe", (int)pid), *below = xasprintf("%s/", directory);
	char program[PATH_MAX];
	ssize_t length = readlink(path, program, sizeof program - 1);

	program[length > 0 ? length : 0] = '\0';
	return str_starts(program, below);
}
