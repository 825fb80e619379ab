/* SPDX-License-Identifier: MIT */
#include "serve/worker.h"

#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "proc.h"
#include "secrets.h"
#include "serve/envdir.h"
#include "serve/identity.h"
#include "serve/output.h"
#include "serve/settings.h"
#include "serve/sockets.h"
#include "time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXECUTE_MS = 10000 };

extern char **environ;

/* What a child could not do, for the supervisor. */
enum step { STEP_SETUP, STEP_USER, STEP_DIRECTORY, STEP_COMMAND };

struct failure {
	enum step step;
	int number; /* errno */
};

static void set_number(const char *name, long long number)
{
	char text[32];

	snprintf(text, sizeof text, "%lld", number);
	setenv(name, text, 1);
}

/* LISTEN_* as sd_listen_fds(3) reads them; without sockets there are none, as under systemd. */
static void set_listen_variables(const struct sockets *sockets)
{
	AUTO_BUF struct buf names = {0};

	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
	if (!sockets->count)
		return;
	sockets_add_names(sockets, &names);
	set_number("LISTEN_FDS", (long long)sockets->count);
	set_number("LISTEN_PID", getpid());
	setenv("LISTEN_FDNAMES", buf_text(&names), 1);
}

static void set_environment(const struct launch *launch)
{
	static const char *const nothing[] = {NULL};
	AUTO_BUF struct buf ports = {0};

	environ = (char **)proc_environment(secret_variables, nothing);
	unsetenv("WATCHDOG_USEC"); /* they are about the supervisor */
	unsetenv("WATCHDOG_PID");
	identity_set_environment(launch->identity);
	envdir_apply(launch->envdir);
	sockets_add_starter_port(launch->sockets, &ports);
	setenv("SERVER_STARTER_PORT", buf_text(&ports), 1);
	set_number("SERVER_STARTER_GENERATION", launch->generation);
	setenv("NOTIFY_SOCKET", launch->notify_address, 1);
	set_listen_variables(launch->sockets);
}

static void reset_signals(void)
{
	const struct sigaction standard = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		sigaction(number, &standard, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Becomes the command. Returns the step that failed, with errno. */
static enum step take_steps(const struct launch *launch)
{
	if (identity_assume(launch->identity))
		return STEP_USER;
	if (chdir(launch->settings->directory)) /* as the user, who has to have the right to */
		return STEP_DIRECTORY;
	execvp(launch->settings->command[0], launch->settings->command);
	return STEP_COMMAND;
}

/* What the child does: it becomes the command, or says why it cannot. */
static _Noreturn void become_worker(const struct launch *launch, int report)
{
	struct failure failure = {.step = STEP_SETUP};

	setpgid(0, 0);
	reset_signals();
	set_environment(launch);
	if (output_give(launch->output) == 0 && sockets_place(launch->sockets, &report) == 0)
		failure.step = take_steps(launch);
	failure.number = errno;
	ssize_t written = write(report, &failure, sizeof failure);
	_exit(written < 0 ? 254 : 255); /* 255 is what Server::Starter ends with */
}

static int explain(const struct settings *settings, const struct failure *failure, struct error *error)
{
	if (failure->step == STEP_SETUP)
		error_errno(error, failure->number, "cannot hand over the output and the sockets");
	else if (failure->step == STEP_USER)
		error_errno(error, failure->number, "cannot become the user of --user or --group");
	else if (failure->step == STEP_DIRECTORY)
		error_errno(error, failure->number, "cannot enter %s", settings->directory);
	else
		error_errno(error, failure->number, "cannot execute %s", settings->command[0]);
	error->code = ERROR_APPLICATION;
	return error_hint(error, "check that the program is there and may be executed");
}

/* Waits for what the child says, or for execve(2), which closes the pipe. Returns 1 with what failed, 0 when the command runs, or
 * -1 when neither comes in time. */
static int read_report(int report, struct failure *ret)
{
	struct pollfd polled = {.fd = report, .events = POLLIN};
	long long deadline = time_monotonic() + EXECUTE_MS, left = EXECUTE_MS;
	int ready;

	while ((ready = poll(&polled, 1, (int)left)) < 0 && left > 0) /* where handlers take signals, those interrupt it */
		left = deadline > time_monotonic() ? deadline - time_monotonic() : 0;
	if (ready <= 0)
		return -1;
	return read(report, ret, sizeof *ret) == sizeof *ret;
}

/* The child hangs, for example in a file system that does not answer, and so may not even end now: nobody waits for that. */
static int give_up(const struct settings *settings, pid_t pid, struct error *error)
{
	kill(pid, SIGKILL);
	error_set(error, ERROR_APPLICATION, "cannot execute %s in %ds", settings->command[0], EXECUTE_MS / 1000);
	return error_hint(error, "look at the file system that it is on");
}

pid_t worker_start(const struct launch *launch, struct error *error)
{
	struct failure failure;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return error_errno(error, errno, "cannot make a pipe");
	AUTO_CLOSE int report = ends[0];
	pid_t pid = fork();
	if (pid == 0)
		become_worker(launch, ends[1]);
	int number = errno;
	close(ends[1]);
	if (pid < 0) {
		error_errno(error, number, "cannot start a process");
		error->code = ERROR_APPLICATION;
		return -1;
	}
	int result = read_report(report, &failure);
	if (result == 0)
		return pid;
	return result > 0 ? explain(launch->settings, &failure, error) : give_up(launch->settings, pid, error);
}

const char *worker_describe_end(int status, char text[32])
{
	if (WIFSIGNALED(status))
		snprintf(text, 32, "signal %d", WTERMSIG(status));
	else
		snprintf(text, 32, "exit %d", WEXITSTATUS(status));
	return text;
}
