/* SPDX-License-Identifier: MIT */
/* Where the output of the supervisor and the workers goes: a file that is appended to, a program, standard output, or nowhere else. */
#ifndef DEWY_SERVE_OUTPUT_H
#define DEWY_SERVE_OUTPUT_H

#include <stdbool.h>
#include <sys/types.h>

struct error;
struct handover;

struct output {
	const char *file;     /* NULL for none */
	const char *command;  /* NULL for none */
	int fd;               /* what standard output and error become, -1 for what they are */
	int read_end;         /* of the pipe to the command: kept, so that nothing is lost while it is started again */
	int console;          /* standard error as it was, for the command */
	pid_t pid;            /* of the command */
	long long restart_at; /* on the monotonic clock, NEVER unless the command ended */
};

/* Opens what --log-file says (NULL: nothing). Returns 0, or -1 with ERROR_FILESYSTEM. log_file must live as long as ret. */
int output_open(struct output *ret, const char *log_file, struct error *error);

/* Makes standard output and error go there, and starts the command if there is one. Returns 0 or -1. */
int output_redirect(struct output *output, struct error *error);

/* Cuts the command off from the standard error of whoever started the supervisor. To be called before output_redirect. */
void output_detach(struct output *output);

/* SIGUSR1: opens the file again under its name, after somebody renamed it. */
void output_reopen(struct output *output);

/* Notes that a child ended. Returns true when it was the command, which is started again by output_tick. */
bool output_child_ended(struct output *output, pid_t pid);

/* Does what is due by now. */
void output_tick(struct output *output);

/* Puts down what was opened, or sets it; see handover.h. Standard output and error are handed over as they are. */
void output_hand_over(struct output *output, const char *log_file, const struct handover *handover);

void output_close(struct output *output);

#endif
