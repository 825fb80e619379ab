/* SPDX-License-Identifier: MIT */
#include "confine.h"

#include "cleanup.h"
#include "confine_steps.h"
#include "error.h"
#include "fs.h"
#include "proc.h"
#include "time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { OUT_OF_MEMORY = 3, /* exit status of lib/alloc.h */ EXIT_MS = 5000 };

/* What the child says: short enough for a pipe to take it in one piece. */
struct answer {
	int result;
	struct error error;
	unsigned char value[CONFINE_RESULT];
};

struct task {
	const struct confine_needs *needs;
	int (*work)(void *context, struct error *error);
	void *context, *result;
	size_t size;
};

static _Noreturn void be_child(const struct task *task, pid_t parent, int out)
{
	struct answer answer = {.result = -1};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (confine_child(task->needs, out, &answer.error) == 0)
		answer.result = task->work(task->context, &answer.error);
	memcpy(answer.value, task->result, task->size);
	_exit(fs_write_all(out, &answer, sizeof answer) ? 1 : 0);
}

/* Reads the answer. Returns 1; 0 when the child ended without one; -1 when the deadline has come. */
static int listen_to(int in, long long deadline, struct answer *answer)
{
	long long left;
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

static int follow(pid_t pid, int in, const struct task *task, struct error *error)
{
	const struct confine_meanwhile *meanwhile = task->needs->meanwhile;
	long long timeout_ms = task->needs->timeout_ms, deadline = time_monotonic() + timeout_ms;
	struct answer answer;
	int failed = meanwhile ? meanwhile->work(meanwhile->context, error) : 0;
	int code = 0, heard = failed ? -1 : listen_to(in, deadline, &answer);

	if (heard < 0 || proc_wait(pid, EXIT_MS, &code) == 1) {
		kill(pid, SIGKILL);
		proc_wait(pid, -1, &code);
	}
	if (failed)
		return -1;
	if (heard < 0)
		return error_set(error, ERROR_INTEGRITY, "reading it took longer than %lld s", timeout_ms / 1000);
	return heard && code == 0 ? believe(&answer, task, error) : crashed(code, error);
}

int confine_run(const struct confine_needs *needs, int (*work)(void *context, struct error *error), void *context, void *result,
		size_t size, struct error *error)
{
	struct task task = {.needs = needs, .work = work, .context = context, .result = result, .size = size};
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
	return follow(pid, in, &task, error);
}
