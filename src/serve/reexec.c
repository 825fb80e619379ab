/* SPDX-License-Identifier: MIT */
#include "serve/reexec.h"

#include "alloc.h"
#include "cleanup.h"
#include "error.h"
#include "handover.h"
#include "log.h"
#include "proc.h"
#include "serve/report.h"
#include "serve/service.h"
#include "serve/worker.h"
#include "signal_fd.h"
#include "str.h"
#include "time.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { FORMAT = 1 }; /* of the state; to be raised when a member means something else than before */

/* Who executes a program names the descriptor of the state in one of these. Workers get no DEWY_*. */
static const char state_variable[] = "DEWY_SERVE_STATE", trial_variable[] = "DEWY_SERVE_TRIAL";

/* The descriptor of the program that executed this one; and why the one that it executed could not go on. */
static const char before_variable[] = "DEWY_SERVE_BEFORE", why_variable[] = "DEWY_SERVE_WHY";

static const char ending[] = "the supervisor was told to end";
static const char agreement[] = "dewy-serve takes over\n";

/* Returns the descriptor that the variable names, or -1; nobody is to inherit either. */
static int take_descriptor(const char *variable)
{
	const char *text = getenv(variable);
	long long fd = -1;

	if (text && (str_to_number(text, &fd) || fd > 0x7fffffff || fcntl((int)fd, F_SETFD, FD_CLOEXEC)))
		fd = -1;
	unsetenv(variable);
	return (int)fd;
}

void reexec_prepare(struct reexec *reexec, int argc, char **argv)
{
	*reexec = (struct reexec){.answer = -1, .due = NEVER, .inherited = take_descriptor(state_variable)};
	reexec->before = take_descriptor(before_variable);
	int trial = take_descriptor(trial_variable);
	if (reexec->inherited < 0 && trial >= 0) {
		reexec->inherited = trial;
		reexec->is_trial = true;
	}
	if (getenv(why_variable)) {
		reexec->why = xstrdup(getenv(why_variable));
		unsetenv(why_variable);
		prctl(PR_SET_NAME, "dewy-serve"); /* and not the number of the descriptor */
	}
	reexec->argv = xcalloc((size_t)argc + 1, sizeof *reexec->argv);
	for (int i = 0; i < argc; i++) /* who hands the state over names the program in full, and may have executed a descriptor */
		reexec->argv[i] = i || reexec->inherited >= 0 ? xstrdup(argv[i]) : proc_program(argv[i]);
}

static void close_fd(int *fd)
{
	cleanup_close(fd);
	*fd = -1;
}

static void hand_over(struct service *service, const struct handover *handover)
{
	struct handover settings = handover_object(handover, "settings"), supervisor = handover_object(handover, "supervisor");
	struct handover output = handover_object(handover, "output");
	int format = FORMAT;

	handover_int(handover, "format", &format);
	if (format != FORMAT)
		handover_refuse(handover, "format");
	settings_hand_over(service->settings, &settings);
	supervisor_hand_over(&service->supervisor, &supervisor);
	sockets_hand_over(&service->sockets, handover);
	output_hand_over(&service->output, service->settings->log_file, &output);
	handover_fd(handover, "lock", &service->pid_file);
	handover_fd(handover, "messages", &service->messages);
}

int reexec_resume(struct service *service, struct error *error)
{
	AUTO(handover_free) struct handover_state state = {0};
	struct reexec *reexec = &service->reexec;
	struct handover handover;

	if (handover_read(&state, reexec->inherited, &handover, error))
		return -1;
	hand_over(service, &handover);
	if (handover_finish(&state, error)) {
		handover_keep(&state, true); /* for the program of before */
		return -1;
	}
	close_fd(&reexec->inherited);
	close_fd(&reexec->before);
	return 0;
}

static void set_descriptor(const char *variable, int fd)
{
	AUTO_FREE char *number = xasprintf("%d", fd);

	setenv(variable, number, 1);
}

void reexec_go_back(struct reexec *reexec, const char *why)
{
	if (reexec->before < 0 || reexec->inherited < 0)
		return;
	fcntl(reexec->inherited, F_SETFD, 0);
	set_descriptor(state_variable, reexec->inherited);
	setenv(why_variable, why, 1);
	signal_fd_hold();
	fexecve(reexec->before, reexec->argv, environ);
}

int reexec_agree(void)
{
	return fputs(agreement, stdout) < 0 || fflush(stdout) ? error_status(ERROR_FILESYSTEM) : 0;
}

void reexec_note(struct service *service, const char *refused)
{
	struct supervisor *supervisor = &service->supervisor;
	const char *program = service->reexec.argv[0];

	if (refused)
		log_error("Going on with the program of before", "program", program, "reason", refused);
	else
		log_info("Program executed again", "program", program, "version", PACKAGE_VERSION);
	supervisor->executed++;
	snprintf(supervisor->refused, sizeof supervisor->refused, "%s", refused ? refused : "");
	report_workers(supervisor);
}

/* All stays as it is. */
static void refuse(struct service *service, const char *why)
{
	reexec_note(service, why);
	if (service->reexec.again)
		reexec_begin(service);
}

static pid_t spawn_trial(struct reexec *reexec, const struct handover_state *state, int file, struct error *error)
{
	static const char *const nothing[] = {NULL};
	AUTO_FREE char *variable = xasprintf("%s=%d", trial_variable, file);
	const char *const added[] = {variable, NULL};
	AUTO_FREE const char **environment = proc_environment(nothing, added);
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return error_errno(error, errno, "cannot make a pipe");
	AUTO_CLOSE int told = ends[1];
	reexec->answer = ends[0];
	fcntl(reexec->answer, F_SETFL, O_NONBLOCK);
	struct proc_spec spec = {
		.argv = (const char *const *)reexec->argv, .environment = environment, .out = told, .own_group = true};
	handover_keep(state, true);
	pid_t pid = proc_spawn(&spec, error);
	handover_keep(state, false);
	return pid;
}

static int start_trial(struct service *service, struct error *error)
{
	AUTO(handover_free) struct handover_state state = {0};
	struct handover handover = handover_begin(&state);
	struct reexec *reexec = &service->reexec;

	hand_over(service, &handover);
	AUTO_CLOSE int file = handover_write(&state, error);
	if (file < 0)
		return -1;
	pid_t pid = spawn_trial(reexec, &state, file, error);
	if (pid < 0) {
		close_fd(&reexec->answer);
		return -1;
	}
	reexec->pid = pid;
	reexec->due = time_monotonic() + REEXEC_TRIAL_MS;
	return 0;
}

void reexec_begin(struct service *service)
{
	struct reexec *reexec = &service->reexec;
	struct error error;

	reexec->again = reexec->pid > 0;
	if (reexec->again)
		return;
	reexec->late = false;
	log_info("Trying the program that is to be executed", "program", reexec->argv[0]);
	if (service->supervisor.phase >= PHASE_STOPPING)
		refuse(service, ending);
	else if (start_trial(service, &error))
		refuse(service, error.message);
}

/* Hands a descriptor of this program to the one that it executes; returns only when that fails. */
static void execute_with_way_back(char *const *argv, struct error *error)
{
	AUTO_CLOSE int self = open("/proc/self/exe", O_RDONLY);

	if (self >= 0)
		set_descriptor(before_variable, self);
	execv(argv[0], argv);
	error_errno(error, errno, "cannot execute %s", argv[0]);
	unsetenv(before_variable);
}

/* Executes the program; returns only when that fails. */
static int execute(struct service *service, struct error *error)
{
	AUTO(handover_free) struct handover_state state = {0};
	struct handover handover = handover_begin(&state);
	char *const *argv = service->reexec.argv;

	signal_fd_hold();
	hand_over(service, &handover);
	AUTO_CLOSE int file = handover_write(&state, error);
	if (file >= 0) {
		set_descriptor(state_variable, file);
		handover_keep(&state, true);
		execute_with_way_back(argv, error);
		handover_keep(&state, false);
		unsetenv(state_variable);
	}
	signal_fd_release(service->events.signals);
	return -1;
}

/* Returns true when the trial said that it understands, and no more than that. */
static bool agreed(struct reexec *reexec, int status)
{
	char text[sizeof agreement];
	ssize_t length = read(reexec->answer, text, sizeof text);

	close_fd(&reexec->answer);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 && length == sizeof agreement - 1 &&
	       memcmp(text, agreement, (size_t)length) == 0;
}

bool reexec_child_ended(struct service *service, pid_t pid, int status)
{
	struct reexec *reexec = &service->reexec;
	char end[32];
	struct error error;

	if (pid != reexec->pid)
		return false;
	reexec->pid = 0;
	reexec->due = NEVER;
	if (!agreed(reexec, status)) {
		AUTO_FREE char *ended = xasprintf("it ended with %s and did not agree", worker_describe_end(status, end));
		refuse(service, reexec->late ? "it said nothing in 10s" : ended);
	} else if (service->supervisor.phase >= PHASE_STOPPING) {
		refuse(service, ending);
	} else {
		report_execution(&service->supervisor);
		execute(service, &error);
		report_resumption(&service->supervisor);
		refuse(service, error.message);
	}
	return true;
}

void reexec_tick(struct reexec *reexec)
{
	if (reexec->due > time_monotonic())
		return;
	kill(-reexec->pid, SIGKILL);
	reexec->due = NEVER;
	reexec->late = true;
}

void reexec_free(struct reexec *reexec)
{
	if (reexec->pid > 0)
		kill(-reexec->pid, SIGKILL);
	cleanup_close(&reexec->answer);
	cleanup_close(&reexec->inherited);
	cleanup_close(&reexec->before);
	free(reexec->why);
	for (char **argument = reexec->argv; argument && *argument; argument++)
		free(*argument);
	free(reexec->argv);
}
