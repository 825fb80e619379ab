/* SPDX-License-Identifier: MIT */
/* SIGUSR2: the supervisor executes its program again, as the file is by now, and goes on where it was: the same process, with
 * the same sockets, workers, times and files. A trial comes first: the new program, in a child, is given the same state and says
 * whether it understands it. When it does not, or takes too long, all stays as it is. A new program that agreed and then cannot go
 * on executes the one of before, which it is given a descriptor of, on the same state. */
#ifndef DEWY_SERVE_REEXEC_H
#define DEWY_SERVE_REEXEC_H

#include <stdbool.h>
#include <sys/types.h>

struct error;
struct service;

enum { REEXEC_TRIAL_MS = 10000 }; /* how long the new program may take to say that it understands */

struct reexec {
	char **argv;     /* as this program was executed, its path absolute */
	int inherited;   /* where the state is, for a program that was executed again; else -1 */
	int before;      /* and the program of before, or -1 */
	char *why;       /* this is the program of before, and the new one could not go on for that reason; else NULL */
	bool is_trial;   /* this process is only to say whether it understands */
	pid_t pid;       /* of a trial that goes on, or 0 */
	int answer;      /* where it says so, or -1 */
	long long due;   /* when it is killed, on the monotonic clock, or NEVER */
	bool late;       /* it was killed */
	bool again;      /* SIGUSR2 came meanwhile */
};

/* Notes how this program was executed. To be called first of all, before anything changes argv, the environment or the working
 * directory. */
void reexec_prepare(struct reexec *reexec, int argc, char **argv);

/* Sets service, whose settings lack the paths, to the state that was inherited. Returns 0, or -1 with ERROR_DOCUMENT. */
int reexec_resume(struct service *service, struct error *error);

/* Executes the program of before, if there is one, as this one cannot go on, for that reason; returns only when that fails. */
void reexec_go_back(struct reexec *reexec, const char *why);

/* Logs, and writes to the status file, that SIGUSR2 was answered: refused says why the program of before goes on, or is NULL. */
void reexec_note(struct service *service, const char *refused);

/* Says that this program understands; for a trial. Returns the exit status. */
int reexec_agree(void);

/* SIGUSR2 came: begins a trial. */
void reexec_begin(struct service *service);

/* Notes that a child ended with that wait status. Returns true when it was the trial; when that agreed, this does not return at
 * all, unless the program cannot be executed. */
bool reexec_child_ended(struct service *service, pid_t pid, int status);

/* Kills a trial that takes too long. */
void reexec_tick(struct reexec *reexec);

void reexec_free(struct reexec *reexec);

#endif
