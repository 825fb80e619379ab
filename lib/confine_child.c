/* SPDX-License-Identifier: MIT */
#include "confine_steps.h"

#include "buf.h"
#include "confine.h"
#include "error.h"
#include "fs.h"
#include "landlock.h"
#include "redact.h"
#include "seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436 /* Linux 5.9, on every machine */
#endif

enum { FILES_MOST = 256 }; /* descriptors: more than the directories that are above a file in an archive */

extern char **environ;

/* Lowers a limit; one that is lower already stays. */
static int limit(unsigned resource, long long most, struct confine_missing *missing, struct error *error)
{
	struct rlimit value;
	bool known = getrlimit(resource, &value) == 0;

	if (known && value.rlim_max != RLIM_INFINITY && value.rlim_max < (rlim_t)most)
		return 0;
	value = (struct rlimit){(rlim_t)most, (rlim_t)most};
	if (known && setrlimit(resource, &value) == 0)
		return 0;
	if (!error_is_unsupported(errno))
		return error_errno(error, errno, "cannot set a limit");
	missing->limits = "not all";
	return 0;
}

static int limit_memory(long long bytes, struct confine_missing *missing, struct error *error)
{
	AUTO_BUF struct buf statm = {0};
	long long pages;

	/* The sixth number is data and stack, in pages: proc(5). */
	if (fs_read_file(AT_FDCWD, "/proc/self/statm", 256, &statm, error) ||
	    sscanf(buf_text(&statm), "%*s %*s %*s %*s %*s %lld", &pages) != 1)
		return 0; /* without /proc there is nothing to begin from */
	return limit(RLIMIT_DATA, pages * sysconf(_SC_PAGESIZE) + bytes, missing, error);
}

static int set_limits(const struct confine_needs *needs, struct confine_missing *missing, struct error *error)
{
	signal(SIGXFSZ, SIG_IGN); /* standard error may be a file that is larger */
	return limit_memory(needs->memory, missing, error) ||
			       limit(RLIMIT_FSIZE, needs->writes ? needs->file_size : 0, missing, error) ||
			       limit(RLIMIT_CORE, 0, missing, error) || limit(RLIMIT_NOFILE, FILES_MOST, missing, error)
		       ? -1
		       : 0;
}

/* Closes all descriptors but those in kept; -1 among them is none. */
static int close_others(const int *kept, size_t count, struct confine_missing *missing, struct error *error)
{
	for (long first = 0, next; first <= INT_MAX; first = next + 1) {
		next = (long)INT_MAX + 1;
		for (size_t i = 0; i < count; i++)
			if (kept[i] >= first && kept[i] < next)
				next = kept[i];
		if (next == first || syscall(SYS_close_range, (unsigned)first, (unsigned)(next - 1), 0) == 0)
			continue;
		if (!error_is_unsupported(errno))
			return error_errno(error, errno, "cannot close what is open");
		missing->descriptors = "none";
		return 0;
	}
	return 0;
}

/* Keeps none of root's capabilities but those in kept. The owner of a file needs none to write to it. */
static int drop_capabilities(unsigned kept, struct confine_missing *missing, struct error *error)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (syscall(SYS_capget, &header, sets) == 0) {
		unsigned left = sets[0].permitted & kept;
		memset(sets, 0, sizeof sets);
		sets[0].permitted = sets[0].effective = left;
		if (syscall(SYS_capset, &header, sets) == 0)
			return 0;
	}
	if (!error_is_unsupported(errno))
		return error_errno(error, errno, "cannot give up capabilities");
	missing->capabilities = "none";
	return 0;
}

/* Tokens and passwords are in the environment, and in what is kept out of logs. */
static void forget_secrets(void)
{
	for (char **variable = environ; variable && *variable; variable++)
		explicit_bzero(*variable, strlen(*variable));
	clearenv();
	redact_forget();
}

static int filter_calls(struct confine_missing *missing, struct error *error)
{
	int result = seccomp_files_only();

	if (result < 0)
		return error_errno(error, errno, "cannot filter system calls");
	if (result > 0)
		return 0;
	missing->seccomp = "none";
	/* Takes what the filter would have left, threads, as well: they count as processes of the user. */
	return limit(RLIMIT_NPROC, 0, missing, error);
}

int confine_child(const struct confine_needs *needs, int out, struct error *error)
{
	const int kept[] = {STDERR_FILENO, needs->dir, needs->input, out};
	unsigned may = needs->writes ? LANDLOCK_MAY_READ | LANDLOCK_MAY_CREATE : LANDLOCK_MAY_READ;
	const struct landlock_rules rules = {.below = {{.dir = needs->dir, .may = may}}};
	struct confine_missing missing = {0};

	if (set_limits(needs, &missing, error) || close_others(kept, sizeof kept / sizeof *kept, &missing, error))
		return -1;
	fs_hold_standard(); /* what might be printed is no part of the document, and of no file */
	if (drop_capabilities(needs->writes ? 0 : 1U << CAP_DAC_READ_SEARCH, &missing, error))
		return -1;
	prctl(PR_SET_DUMPABLE, 0); /* a crash is not handed to a program that looks into it as root: core(5) */
	if (confine_files(&rules, &missing, error) || filter_calls(&missing, error))
		return -1;
	confine_log(&missing);
	forget_secrets();
	return 0;
}
