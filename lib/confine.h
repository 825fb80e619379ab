/* SPDX-License-Identifier: MIT */
/* Giving up what is not needed before something is read that nobody vouches for: in this process, or in a child that does the work.
 * What the kernel does not have, or a container does not let through, is left out, and logged at DEBUG in one line. */
#ifndef DEWY_CONFINE_H
#define DEWY_CONFINE_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct landlock_rules;

enum { CONFINE_RESULT = 256 }; /* most bytes that work may hand back */

/* Takes away from this process, for good, the right to gain privileges, and what the rules leave out. Returns 0 or -1. */
int confine_self(const struct landlock_rules *rules, struct error *error);

/* What this process does while a child works. Returns 0; or -1 with the error, and then what the child does counts for nothing. */
struct confine_meanwhile {
	int (*work)(void *context, struct error *error);
	void *context;
};

/* What work in a child needs; it gets nothing else. */
struct confine_needs {
	int dir;             /* below this directory it reads, and it reads nowhere else, */
	bool writes;         /* and creates files, directories and links */
	int input;           /* a descriptor that it reads; -1 for none */
	long long memory;    /* bytes more than it begins with */
	long long file_size; /* most bytes of a file that it writes */
	long long timeout_ms;
	const struct confine_meanwhile *meanwhile; /* NULL for nothing */
};

/* Runs work(context) in a child that has, besides what it needs, standard error alone: no network, no other program or process,
 * no capability (that to read what is others', when it does not write), no environment. It may start threads, which have no more,
 * where the kernel filters system calls. What work leaves in the size bytes at result (CONFINE_RESULT at most) is copied back.
 * Returns what work returned; or -1 with the error of what is done meanwhile, which goes first, with that of work,
 * ERROR_INTEGRITY when the child crashed or ran out of time, or ERROR_FILESYSTEM. The child is gone by then. */
int confine_run(const struct confine_needs *needs, int (*work)(void *context, struct error *error), void *context, void *result,
		size_t size, struct error *error);

#endif
