/* SPDX-License-Identifier: MIT */
#include "confine.h"

#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "fs.h"
#include "proc.h"
#include "time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if __has_include(<linux/landlock.h>)
#include <linux/landlock.h>
#endif

enum { OUT_OF_MEMORY = 3, /* exit status of lib/alloc.h */ EXIT_MS = 5000 };

#ifdef LANDLOCK_ACCESS_FS_REFER

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE /* ABI 3; headers are often older than the kernel */
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

static const uint64_t creating = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
				 LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_TRUNCATE;
static const uint64_t never = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
			      LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
			      LANDLOCK_ACCESS_FS_MAKE_BLOCK;

/* Returns 1 when Landlock is in force, 0 when the kernel has none that is of use, or -1 with errno. */
static int landlock(int dir)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < 2) /* ABI 1 refuses every hard link between two directories */
		return 0;
	uint64_t known = abi < 3 ? ~(uint64_t)LANDLOCK_ACCESS_FS_TRUNCATE : ~(uint64_t)0;
	struct landlock_ruleset_attr rules = {.handled_access_fs = (creating | never) & known};
	AUTO_CLOSE int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
	if (ruleset < 0)
		return -1;
	struct landlock_path_beneath_attr below = {.allowed_access = creating & known, .parent_fd = dir};
	if (dir >= 0 && syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &below, 0))
		return -1;
	return syscall(SYS_landlock_restrict_self, ruleset, 0) ? -1 : 1;
}

#else

static int landlock(int dir)
{
	(void)dir;
	return 0;
}

#endif

int confine_to(int dir, bool *ret_landlock, struct error *error)
{
	*ret_landlock = false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return error_errno(error, errno, "cannot give up privileges");
	int result = landlock(dir);
	if (result < 0)
		return error_errno(error, errno, "cannot set up Landlock");
	*ret_landlock = result;
	return 0;
}

int confine_memory(long long bytes, struct error *error)
{
	AUTO_BUF struct buf statm = {0};
	long long pages;

	/* The sixth number is data and stack, in pages: proc(5). */
	if (fs_read_file(AT_FDCWD, "/proc/self/statm", 256, &statm, error) ||
	    sscanf(buf_text(&statm), "%*s %*s %*s %*s %*s %lld", &pages) != 1)
		return 0; /* without /proc there is nothing to begin from */
	rlim_t most = (rlim_t)(pages * sysconf(_SC_PAGESIZE) + bytes);
	struct rlimit limit;
	if (getrlimit(RLIMIT_DATA, &limit) || (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < most))
		return 0; /* it is lower already */
	limit = (struct rlimit){most, most};
	return setrlimit(RLIMIT_DATA, &limit) == 0 ? 0 : error_errno(error, errno, "cannot limit the memory");
}

/* What the child says: short enough for a pipe to take it in one piece. */
struct answer {
	int result;
	struct error error;
	unsigned char value[CONFINE_RESULT];
};

struct task {
	int dir;
	long long memory;
	int (*work)(void *context, struct error *error);
	void *context, *result;
	size_t size;
};

static _Noreturn void be_child(const struct task *task, pid_t parent, int out)
{
	struct answer answer = {.result = -1};
	bool landlocked;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (confine_to(task->dir, &landlocked, &answer.error) == 0 && confine_memory(task->memory, &answer.error) == 0)
		answer.result = task->work(task->context, &answer.error);
	memcpy(answer.value, task->result, task->size);
	_exit(fs_write_all(out, &answer, sizeof answer) ? 1 : 0);
}

/* Reads the answer. Returns 1; 0 when the child ended without one; -1 when timeout_ms went by. */
static int listen_to(int in, long long timeout_ms, struct answer *answer)
{
	long long deadline = time_monotonic() + timeout_ms, left;
	struct pollfd input = {.fd = in, .events = POLLIN};

	while ((left = deadline - time_monotonic()) > 0) {
		if (poll(&input, 1, (int)(left < 60000 ? left : 60000)) <= 0)
			continue;
		ssize_t got = read(in, answer, sizeof *answer);
		if (got >= 0 || errno != EINTR)
			return got == (ssize_t)sizeof *answer;
	}
	return -1;
}

static int crashed(int code, struct error *error)
{
	if (code == OUT_OF_MEMORY)
		return error_set(error, ERROR_INTEGRITY, "the reader ran out of memory");
	if (code > 128)
		return error_set(error, ERROR_INTEGRITY, "the reader crashed: %s", strsignal(code - 128));
	return error_set(error, ERROR_INTEGRITY, "the reader crashed: exit %d", code);
}

/* The child may have been taken over by what it read: nothing in the answer is relied upon. */
static int believe(struct answer *answer, const struct task *task, struct error *error)
{
	memcpy(task->result, answer->value, task->size);
	if (answer->result >= 0)
		return answer->result > 0;
	*error = answer->error;
	error->message[sizeof error->message - 1] = '\0';
	error->hint[sizeof error->hint - 1] = '\0';
	if (!error_is_code((int)error->code))
		error->code = ERROR_INTEGRITY;
	return -1;
}

static int follow(pid_t pid, int in, long long timeout_ms, const struct task *task, struct error *error)
{
	struct answer answer;
	int code = 0, heard = listen_to(in, timeout_ms, &answer);

	if (heard < 0 || proc_wait(pid, EXIT_MS, &code) == 1) {
		kill(pid, SIGKILL);
		proc_wait(pid, -1, &code);
	}
	if (heard < 0)
		return error_set(error, ERROR_INTEGRITY, "reading it took longer than %lld s", timeout_ms / 1000);
	return heard && code == 0 ? believe(&answer, task, error) : crashed(code, error);
}

int confine_run(int dir, long long memory, long long timeout_ms, int (*work)(void *context, struct error *error), void *context,
		void *result, size_t size, struct error *error)
{
	struct task task = {.dir = dir, .memory = memory, .work = work, .context = context, .result = result, .size = size};
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return error_errno(error, errno, "cannot make a pipe");
	AUTO_CLOSE int in = ends[0];
	AUTO_CLOSE int out = ends[1];
	pid_t parent = getpid(), pid = fork();
	if (pid < 0)
		return error_errno(error, errno, "cannot start a process");
	if (pid == 0)
		be_child(&task, parent, out);
	close(steal_fd(&out));
	return follow(pid, in, timeout_ms, &task, error);
}
