/* SPDX-License-Identifier: MIT */
#include "proc.h"

#include "alloc.h"
#include "cleanup.h"
#include "error.h"
#include "str.h"
#include "time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEP_MS = 10 };

extern char **environ;

static int set_actions(const struct proc_spec *spec, posix_spawn_file_actions_t *actions)
{
	int failed = 0;

	if (spec->directory > 0)
		failed |= posix_spawn_file_actions_addfchdir_np(actions, spec->directory);
	if (spec->in > 0)
		failed |= posix_spawn_file_actions_adddup2(actions, spec->in, STDIN_FILENO);
	else
		failed |= posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (spec->out > 0)
		failed |= posix_spawn_file_actions_adddup2(actions, spec->out, STDOUT_FILENO);
	if (spec->err > 0)
		failed |= posix_spawn_file_actions_adddup2(actions, spec->err, STDERR_FILENO);
	if (spec->keep > 0)
		failed |= posix_spawn_file_actions_adddup2(actions, spec->keep, spec->keep);
	return failed;
}

pid_t proc_spawn(const struct proc_spec *spec, struct error *error)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t all, none;
	short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
	pid_t pid = -1;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setsigmask(&attributes, &none);
	if (spec->own_group)
		flags |= POSIX_SPAWN_SETPGROUP;
	posix_spawnattr_setflags(&attributes, flags);
	int failed = set_actions(spec, &actions);
	if (!failed)
		failed = posix_spawnp(&pid, spec->argv[0], &actions, &attributes, (char *const *)spec->argv,
				      spec->environment ? (char *const *)spec->environment : environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (!failed)
		return pid;
	error_set(error, ERROR_APPLICATION, "cannot start %s: %s", spec->argv[0], strerror(failed));
	return error_hint(error, "check that the program is there and may be executed");
}

int proc_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
	return (int)syscall(SYS_pidfd_open, pid, 0);
#else
	(void)pid;
	errno = ENOSYS;
	return -1;
#endif
}

int proc_signal(pid_t pid, int pidfd, int number)
{
#ifdef SYS_pidfd_send_signal
	if (pidfd >= 0)
		return (int)syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0);
#endif
	(void)pidfd;
	return kill(pid, number);
}

static int exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Reaps the child if it has ended. Returns 0, 1 while it runs, or -1. */
static int reap(pid_t pid, int options, int *ret_exit_code)
{
	int status;
	pid_t ended;

	while ((ended = waitpid(pid, &status, options)) < 0 && errno == EINTR)
		;
	if (ended == pid)
		*ret_exit_code = exit_code(status);
	return ended == pid ? 0 : ended == 0 ? 1 : -1;
}

int proc_wait(pid_t pid, long long timeout_ms, int *ret_exit_code)
{
	return timeout_ms < 0 ? reap(pid, 0, ret_exit_code) : proc_wait_or(pid, timeout_ms, -1, ret_exit_code);
}

int proc_wait_or(pid_t pid, long long timeout_ms, int fd, int *ret_exit_code)
{
	long long deadline = time_monotonic() + timeout_ms;
	AUTO_CLOSE int end = proc_pidfd(pid);

	for (;;) {
		struct pollfd polled[2] = {{.fd = end, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
		int result = reap(pid, WNOHANG, ret_exit_code);
		long long left = deadline - time_monotonic(), most = end >= 0 ? 60000 : STEP_MS;
		if (result != 1 || left <= 0)
			return result;
		if (poll(polled, 2, (int)(left < most ? left : most)) > 0 && polled[1].revents)
			return 2;
	}
}

int proc_stop(pid_t pid, long long grace_ms)
{
	pid_t child = pid < 0 ? -pid : pid;
	int code = 0;

	kill(pid, SIGTERM);
	if (proc_wait(child, grace_ms, &code) == 1) {
		kill(pid, SIGKILL);
		proc_wait(child, -1, &code);
	} else if (pid < 0) {
		kill(pid, SIGKILL); /* what the leader left behind */
	}
	return code;
}

static const struct signal_name {
	const char *name;
	int number;
} signal_names[] = {
	{"ALRM", SIGALRM}, {"CONT", SIGCONT}, {"HUP", SIGHUP},	 {"INT", SIGINT},   {"KILL", SIGKILL},
	{"QUIT", SIGQUIT}, {"TERM", SIGTERM}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"WINCH", SIGWINCH},
};

int proc_signal_number(const char *name)
{
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	for (size_t i = 0; i < sizeof signal_names / sizeof *signal_names; i++)
		if (strcasecmp(name, signal_names[i].name) == 0)
			return signal_names[i].number;
	return -1;
}

const char *proc_signal_name(int number)
{
	for (size_t i = 0; i < sizeof signal_names / sizeof *signal_names; i++)
		if (signal_names[i].number == number)
			return signal_names[i].name;
	return NULL;
}

static bool is_removed(const char *variable, const char *const *remove)
{
	size_t length = strcspn(variable, "=");

	for (; *remove; remove++) {
		size_t prefix = strcspn(*remove, "*");
		if ((*remove)[prefix] ? length >= prefix && strncmp(variable, *remove, prefix) == 0
				      : length == prefix && strncmp(variable, *remove, length) == 0)
			return true;
	}
	return false;
}

const char **proc_environment(const char *const *remove, const char *const *add)
{
	size_t most = 1, count = 0;

	for (char **variable = environ; *variable; variable++)
		most++;
	for (const char *const *variable = add; *variable; variable++)
		most++;
	const char **environment = xcalloc(most, sizeof *environment);
	for (char **variable = environ; *variable; variable++)
		if (!is_removed(*variable, remove))
			environment[count++] = *variable;
	for (; *add; add++)
		environment[count++] = *add;
	return environment;
}

const char *proc_variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

const char *proc_home(void)
{
	const char *home = proc_variable("HOME");
	const struct passwd *user = home ? NULL : getpwuid(geteuid());

	return user ? user->pw_dir : home;
}
