/* SPDX-License-Identifier: MIT */
/* Where the output of the supervisor and the workers goes: nowhere else; through a pipe to a process that takes it, which is a
 * program, or the copier that appends it to a file; or straight to standard output, or to what has a name and is no file, such as
 * /dev/stderr. */
#ifndef DEWY_SERVE_OUTPUT_H
#define DEWY_SERVE_OUTPUT_H

#include <stdbool.h>
#include <sys/types.h>

struct error;
struct handover;

struct output {
	const char *file;     /* for the copier, NULL for none */
	const char *command;  /* for the shell, NULL for none */
	int fd;               /* what workers write to, -1 for none */
	int read_end;         /* of the pipe, -1 for none: kept, as another one may have to take what is in it */
	int console;          /* standard error as it was, for the command */
	pid_t pid;            /* of what takes it, 0 for none */
	long long started_at; /* this and the next: on the monotonic clock */
	long long restart_at; /* NEVER unless it ended */
};

/* Opens what --log-file says (NULL: nothing). Returns 0, or -1 with ERROR_FILESYSTEM.
 * log_file must live as long as ret. */
int output_open(struct output *ret, const char *log_file, struct error *error);

/* Makes standard output and error of this process go there, and starts what takes it. Returns 0 or -1. */
int output_redirect(struct output *output, struct error *error);

/* Makes standard output and error of a worker go there. Only for the child after fork(2). Returns 0, or -1 with errno. */
int output_give(const struct output *output);

/* Cuts the command off from the standard error of whoever started the supervisor. To be called before output_redirect. */
void output_detach(struct output *output);

/* SIGUSR1: lets the copier open the file again under its name, after somebody renamed it. */
void output_reopen(const struct output *output);

/* Notes that a child ended. Returns true when it was the one that takes the output, which output_tick starts again: at once, or
 * when it had not lived for a second, a second later. */
bool output_child_ended(struct output *output, pid_t pid);

/* Does what is due by now. */
void output_tick(struct output *output);

/* Puts down what was opened, or sets it; see handover.h. Standard output and error are handed over as they are. */
void output_hand_over(struct output *output, const char *log_file, const struct handover *handover);

/* Lets go of the pipe and waits, for five seconds at most, until what is in it was taken. */
void output_close(struct output *output);

#endif
