/* SPDX-License-Identifier: MIT */
#include "serve/output.h"

#include "cleanup.h"
#include "error.h"
#include "handover.h"
#include "log.h"
#include "proc.h"
#include "secrets.h"
#include "serve/copier.h"
#include "serve/workers.h"
#include "str.h"
#include "time.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RESTART_MS = 1000, LAST_WORDS_MS = 5000 };

/* Tries whether the file can be written, or keeps it open where nobody else could open it under its name. */
static int open_file(struct output *output, const char *path, struct error *error)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return error_errno(error, errno, "cannot open the log file %s", path);
	if (S_ISREG(status.st_mode) && !str_starts(path, "/dev/") && !str_starts(path, "/proc/"))
		output->file = path;
	else
		output->fd = steal_fd(&fd);
	return 0;
}

static int open_pipe(struct output *output, struct error *error)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return error_errno(error, errno, "cannot make a pipe");
	output->read_end = ends[0];
	output->fd = ends[1];
	output->console = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return output->console < 0 ? error_errno(error, errno, "cannot keep standard error") : 0;
}

static int open_standard_output(struct output *output, struct error *error)
{
	output->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return output->fd < 0 ? error_errno(error, errno, "cannot log to standard output") : 0;
}

/* Returns the command of "| COMMAND", or NULL. */
static const char *find_command(const char *log_file)
{
	const char *bar = log_file ? log_file + strspn(log_file, " \t") : "";

	return *bar == '|' ? bar + 1 : NULL;
}

int output_open(struct output *ret, const char *log_file, struct error *error)
{
	*ret = (struct output){.fd = -1, .read_end = -1, .console = -1, .restart_at = NEVER, .command = find_command(log_file)};
	if (str_equal(log_file, "-"))
		return open_standard_output(ret, error);
	if (log_file && !ret->command && open_file(ret, log_file, error))
		return -1;
	return ret->command || ret->file ? open_pipe(ret, error) : 0;
}

static pid_t start_command(const struct output *output, struct error *error)
{
	static const char *const nothing[] = {NULL};
	const char *const argv[] = {"/bin/sh", "-c", output->command, NULL};
	AUTO_FREE const char **environment = proc_environment(secret_variables, nothing);
	struct proc_spec spec = {
		.argv = argv,
		.environment = environment,
		.in = output->read_end,
		.out = output->console,
		.err = output->console,
		.own_group = true,
	};

	return proc_spawn(&spec, error);
}

static pid_t start_copier(const struct output *output, struct error *error)
{
	pid_t pid = fork();

	if (pid == 0)
		copier_run(output->read_end, output->file);
	return pid < 0 ? error_errno(error, errno, "cannot start a process") : pid;
}

static int start(struct output *output, struct error *error)
{
	pid_t pid = output->command ? start_command(output, error) : start_copier(output, error);

	output->started_at = time_monotonic();
	output->restart_at = pid < 0 ? output->started_at + RESTART_MS : NEVER;
	output->pid = pid < 0 ? 0 : pid;
	return pid < 0 ? -1 : 0;
}

/* Returns an end of the pipe, if there is one, for this process alone, which never waits long to write: it would wait for itself
 * when what takes the output is to be started again. */
static int open_own_end(const struct output *output)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", output->fd);
	int fd = output->read_end < 0 ? -1 : open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? fcntl(output->fd, F_DUPFD_CLOEXEC, 0) : fd;
}

int output_redirect(struct output *output, struct error *error)
{
	if (output->fd < 0)
		return 0;
	AUTO_CLOSE int own = open_own_end(output);
	if (own < 0 || dup2(own, STDOUT_FILENO) < 0 || dup2(own, STDERR_FILENO) < 0)
		return error_errno(error, errno, "cannot redirect the output");
	log_moved();
	return output->read_end < 0 ? 0 : start(output, error);
}

int output_give(const struct output *output)
{
	if (output->fd < 0)
		return 0;
	return dup2(output->fd, STDOUT_FILENO) < 0 || dup2(output->fd, STDERR_FILENO) < 0 ? -1 : 0;
}

static void replace_by_null(int fd)
{
	AUTO_CLOSE int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null >= 0)
		dup3(null, fd, fd > STDERR_FILENO ? O_CLOEXEC : 0);
}

void output_detach(struct output *output)
{
	if (output->console >= 0)
		replace_by_null(output->console);
}

void output_reopen(const struct output *output)
{
	if (output->file && output->pid)
		kill(output->pid, SIGUSR1);
}

bool output_child_ended(struct output *output, pid_t pid)
{
	if (pid != output->pid)
		return false;
	long long now = time_monotonic();
	output->pid = 0;
	output->restart_at = now - output->started_at < RESTART_MS ? now + RESTART_MS : now;
	return true;
}

void output_tick(struct output *output)
{
	struct error error;

	if (output->restart_at > time_monotonic())
		return;
	if (start(output, &error))
		log_error("Cannot start what takes the log", "error", error.message);
	else
		log_warn("What takes the log ended, and was started again", "command", output->command, "path", output->file);
}

/* Lets what takes the output see its end, and waits for that. */
static void finish(struct output *output)
{
	struct error error;
	int code;

	if (!output->pid && start(output, &error))
		return;
	replace_by_null(STDOUT_FILENO);
	replace_by_null(STDERR_FILENO);
	close(steal_fd(&output->fd));
	proc_wait(output->pid, LAST_WORDS_MS, &code);
}

void output_hand_over(struct output *output, const char *log_file, const struct handover *handover)
{
	handover_fd(handover, "fd", &output->fd);
	handover_fd(handover, "read_end", &output->read_end);
	handover_fd(handover, "console", &output->console);
	handover_int(handover, "pid", &output->pid);
	handover_number(handover, "started_at", &output->started_at);
	handover_number(handover, "restart_at", &output->restart_at);
	output->command = find_command(log_file);
	output->file = output->command || output->read_end < 0 ? NULL : log_file;
}

void output_close(struct output *output)
{
	if (output->started_at)
		finish(output);
	cleanup_close(&output->fd);
	cleanup_close(&output->read_end);
	cleanup_close(&output->console);
}
