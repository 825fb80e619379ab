/* SPDX-License-Identifier: MIT */
#include "serve/output.h"

#include "cleanup.h"
#include "error.h"
#include "handover.h"
#include "log.h"
#include "proc.h"
#include "secrets.h"
#include "serve/workers.h"
#include "str.h"
#include "time.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { RESTART_MS = 1000 };

static int open_file(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static void set_target(struct output *output, const char *log_file)
{
	const char *bar = log_file ? log_file + strspn(log_file, " \t") : "";

	if (*bar == '|')
		output->command = bar + 1;
	else
		output->file = log_file;
}

int output_open(struct output *ret, const char *log_file, struct error *error)
{
	int ends[2];

	*ret = (struct output){.fd = -1, .read_end = -1, .console = -1, .restart_at = NEVER};
	set_target(ret, log_file);
	if (ret->command) {
		if (pipe2(ends, O_CLOEXEC) || (ret->console = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) < 0)
			return error_errno(error, errno, "cannot make a pipe");
		ret->read_end = ends[0];
		ret->fd = ends[1];
	} else if (str_equal(log_file, "-")) {
		ret->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (ret->fd < 0)
			return error_errno(error, errno, "cannot log to standard output");
	} else if (log_file) {
		ret->fd = open_file(log_file);
		if (ret->fd < 0)
			return error_errno(error, errno, "cannot open the log file %s", log_file);
	}
	return 0;
}

static int start_command(struct output *output, struct error *error)
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

	output->restart_at = NEVER;
	output->pid = proc_spawn(&spec, error);
	return output->pid < 0 ? -1 : 0;
}

int output_redirect(struct output *output, struct error *error)
{
	if (output->fd < 0)
		return 0;
	if (dup2(output->fd, STDOUT_FILENO) < 0 || dup2(output->fd, STDERR_FILENO) < 0)
		return error_errno(error, errno, "cannot redirect the output");
	return output->command ? start_command(output, error) : 0;
}

void output_detach(struct output *output)
{
	AUTO_CLOSE int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (output->console >= 0 && null >= 0)
		dup3(null, output->console, O_CLOEXEC);
}

void output_reopen(struct output *output)
{
	struct error error;

	if (!output->file)
		return;
	int fd = open_file(output->file);
	if (fd < 0) {
		error_errno(&error, errno, "cannot open the log file %s", output->file);
		log_error("Keeping the log file of before", "error", error.message);
		return;
	}
	close(output->fd);
	output->fd = fd;
	if (output_redirect(output, &error))
		log_error("Keeping the log file of before", "error", error.message);
	log_info("Log file opened again", "path", output->file);
}

bool output_child_ended(struct output *output, pid_t pid)
{
	if (pid != output->pid)
		return false;
	log_warn("The program that takes the log ended, starting it again", "command", output->command);
	output->pid = 0;
	output->restart_at = time_monotonic() + RESTART_MS;
	return true;
}

void output_tick(struct output *output)
{
	struct error error;

	if (output->restart_at > time_monotonic())
		return;
	if (start_command(output, &error)) {
		output->restart_at = time_monotonic() + RESTART_MS;
		log_error("Cannot start the program that takes the log", "error", error.message);
	}
}

void output_hand_over(struct output *output, const char *log_file, const struct handover *handover)
{
	set_target(output, log_file);
	handover_fd(handover, "fd", &output->fd);
	handover_fd(handover, "read_end", &output->read_end);
	handover_fd(handover, "console", &output->console);
	handover_int(handover, "pid", &output->pid);
	handover_number(handover, "restart_at", &output->restart_at);
}

void output_close(struct output *output)
{
	cleanup_close(&output->fd);
	cleanup_close(&output->read_end);
	cleanup_close(&output->console);
}
