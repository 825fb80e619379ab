/* SPDX-License-Identifier: MIT */
/* Processes of this machine, as proc(5) shows them. */
#ifndef DEWY_DOCTOR_PROCESS_H
#define DEWY_DOCTOR_PROCESS_H

#include "buf.h"

#include <stdbool.h>
#include <sys/types.h>

/* Appends a file of a process in which zero bytes end the words, "cmdline" or "environ". Returns false when there is nothing in it,
 * or this user may not read it. */
bool process_read_words(pid_t pid, const char *file, struct buf *words);

/* True when this user may not know which program a process runs, and where it works. */
bool process_is_hidden(pid_t pid);

/* What comes of sending a process a signal, as far as proc_pid_status(5) shows it. */
enum process_reaction {
	REACTION_TAKES, /* it catches the signal or waits for it, or that cannot be told */
	REACTION_IGNORES,
	REACTION_ENDS,
};

enum process_reaction process_reaction(pid_t pid, int number);

/* Returns what a process is called, and for dewy the command; "" for one that has ended. The caller frees it. */
char *process_describe(pid_t pid);

/* True when that describes dewy watch, also as dewy server or dewy assets. */
bool process_is_watch(const char *description);

#endif
