/* SPDX-License-Identifier: MIT */
/* Work on what nobody vouches for, in a child process that has given up what the work does not need. */
#ifndef DEWY_CONFINE_H
#define DEWY_CONFINE_H

#include <stdbool.h>
#include <stddef.h>

struct error;

enum { CONFINE_RESULT = 256 }; /* most bytes that work may hand back */

/* Takes away from this process, for good, the right to gain privileges and, where the kernel has Landlock (ABI 2, Linux
 * 5.19), to write anywhere but below the directory dir, to execute and to make device nodes, sockets or pipes; with dir -1
 * to write at all. Descriptors that are open stay usable. Returns 0 and tells whether Landlock is in force; or -1. */
int confine_to(int dir, bool *ret_landlock, struct error *error);

/* Limits the memory of this process to what it has and bytes more. Returns 0 or -1. */
int confine_memory(long long bytes, struct error *error);

/* Runs work(context) in a child that is confined to dir and to memory bytes more than it begins with, for at most timeout_ms
 * milliseconds. What work leaves in the size bytes at result (CONFINE_RESULT at most) is copied back. Returns what work
 * returned; or -1 with the error of work, ERROR_INTEGRITY when the child crashed or ran out of time, or
 * ERROR_FILESYSTEM. */
int confine_run(int dir, long long memory, long long timeout_ms, int (*work)(void *context, struct error *error), void *context,
		void *result, size_t size, struct error *error);

#endif
