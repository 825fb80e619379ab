/* SPDX-License-Identifier: MIT */
/* Child processes with an end in time. */
#ifndef DEWY_PROC_H
#define DEWY_PROC_H

#include "buf.h"

#include <stdbool.h>
#include <sys/types.h>

struct error;

struct proc_spec {
	const char *const *argv;        /* ended by NULL; a program without a slash is looked up in PATH */
	const char *const *environment; /* ended by NULL; NULL passes on the caller's */
	int directory;                  /* descriptor to start in; 0 stays in the caller's directory */
	int in, out, err; /* descriptors that become 0, 1 and 2; 0 is /dev/null for in, the caller's own for out and err */
	int keep;                       /* a descriptor that the child inherits under its own number; 0 for none */
	bool own_group;                 /* the child leads a process group of its own */
	long long grace_ms;             /* with proc_run: from SIGTERM to SIGKILL; 0 for five seconds */
};

/* Starts a program with default signal handling and an empty signal mask. Returns its pid, or -1 with ERROR_APPLICATION. */
pid_t proc_spawn(const struct proc_spec *spec, struct error *error);

/* Waits at most timeout_ms milliseconds for a child (-1: without end) and reaps it. Returns 0 with its exit code (128 plus
 * the number of the signal that killed it); 1 when it still runs; -1 when there is no such child. */
int proc_wait(pid_t pid, long long timeout_ms, int *ret_exit_code);

/* As proc_wait, but returns 2 as soon as the descriptor fd (-1 for none) can be read, for example one of signal_fd.h. */
int proc_wait_or(pid_t pid, long long timeout_ms, int fd, int *ret_exit_code);

/* Ends a child, or with a negative pid its whole group: SIGTERM, and after grace_ms milliseconds SIGKILL. Reaps it.
 * Returns its exit code. */
int proc_stop(pid_t pid, long long grace_ms);

struct proc_result {
	int exit_code;         /* 128 plus the signal that killed it */
	bool timed_out;        /* and was therefore killed */
	long long duration_ms;
	struct buf out, err;   /* what it printed, up to the limit each */
};

/* Runs a program in its own process group to its end, or for timeout_ms milliseconds at most: then the group gets SIGTERM,
 * and SIGKILL after the grace of spec. Up to output_limit bytes each of standard error, and of standard output unless spec has an
 * out, are kept, the rest is read and dropped; a background process that keeps them open is not waited for. A SIGTERM, SIGINT,
 * SIGHUP or SIGQUIT that comes meanwhile ends the group first, and then this process. Returns 0, or -1 when it could not be
 * started. The caller gives ret to proc_result_free. */
int proc_run(const struct proc_spec *spec, size_t output_limit, long long timeout_ms, struct proc_result *ret, struct error *error);

void proc_result_free(struct proc_result *result);

/* Returns a descriptor that becomes readable when the process ends (pidfd), or -1 where the kernel has none. */
int proc_pidfd(pid_t pid);

/* Sends a signal to the process that pidfd (see proc_pidfd) stands for, which no other process with its number gets; or, with -1,
 * to whatever has that number now. Returns 0, or -1 with errno. */
int proc_signal(pid_t pid, int pidfd, int number);

/* Returns the absolute path of the file that execvp(3) finds for a name without a slash, NULL when there is none. The caller frees
 * it. */
char *proc_find(const char *name);

/* Returns the absolute path of the program that lies beside the running one, first without links resolved, so that it leads to what
 * an upgrade puts there; or, when there is none, its name, to be looked up in PATH. The caller frees it. To be called in the first
 * working directory. */
char *proc_sibling(const char *name);

/* Returns the path by which this program was executed, absolute and without links resolved, so that it leads to what an upgrade
 * puts there; the caller frees it. name is argv[0], for systems that do not tell. To be called in the first working directory. */
char *proc_program(const char *name);

/* Returns the helper program of that name: the one that lies where it does in a build and in an installation, seen from the
 * directory of this program, or else the one in the directory given. The caller frees it. */
char *proc_helper(const char *name, const char *directory);

/* Returns the parent of a living process, 0 when it has none here; -1 when there is no such process, or this user may not know. */
pid_t proc_parent(pid_t pid);

/* True when the process is stopped, by a signal or a debugger, until somebody lets it go on. */
bool proc_is_stopped(pid_t pid);

/* True when a living process has a controlling terminal. */
bool proc_has_terminal(pid_t pid);

/* Returns for how many milliseconds a process has lived, exact to some 10 ms; -1 when there is none or it has ended.
 * Format: proc(5), /proc/PID/stat. */
long long proc_age(pid_t pid);

/* Returns when a process began, in milliseconds since the epoch; -1 when there is none or it has ended. */
long long proc_started_at(pid_t pid);

/* Finds the living processes whose parent this one is, in no order, most of them at the most. Returns how many. */
size_t proc_children(pid_t parent, pid_t *ret_children, size_t most);

/* True while a process that has not ended is in the group. Members that have ended and that nobody reaps do not count; where
 * proc(5) is not there to tell, they do. */
bool proc_group_lives(pid_t group);

/* True when the program that a process runs lies below the directory, whose path is absolute and without symbolic links. */
bool proc_runs_below(pid_t pid, const char *directory);

/* Returns the number of a signal named with or without SIG, in any case; -1 when it is none that ends or tells a server. */
int proc_signal_number(const char *name);

/* Returns the name of such a signal without SIG, or NULL. */
const char *proc_signal_name(int number);

/* Returns a copy of the environment without the variables in remove (ended by NULL), which may end in * for a prefix, and
 * with those in add (NAME=VALUE, ended by NULL). The caller frees the array; the texts belong to environ and add. */
const char **proc_environment(const char *const *remove, const char *const *add);

/* Returns the value of a variable of the environment, which owns it; NULL when it is not set or empty. */
const char *proc_variable(const char *name);

/* Returns HOME, else the home directory of this user by passwd(5), as for the services of systemd, which have no HOME; NULL when
 * there is neither. The next call may overwrite it. */
const char *proc_home(void);

#endif
