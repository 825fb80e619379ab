/* SPDX-License-Identifier: MIT */
/* One process at a time, by flock(2): the kernel lets go when the holder dies, so there is no stale lock. */
#ifndef DEWY_LOCK_H
#define DEWY_LOCK_H

#include <sys/types.h>

struct error;

enum { LOCK_TRIES = 100 }; /* files that are removed while their lock is taken, before it is given up */

/* Takes the lock file name below dir, which is created when missing, and made one that nobody else can open, and so lock: whoever
 * may only read a file may lock it for ever. Waits at most wait_ms milliseconds. Returns its descriptor, which holds the lock until
 * it is closed; or -1 with ERROR_LOCKED, or ERROR_FILESYSTEM. It is the lock of whatever has the name then; but who removes the
 * file lets the next one in. */
int lock_take(int dir, const char *name, long long wait_ms, struct error *error);

/* As lock_take, for the file that is open at fd already, name below dir, until that is closed. Returns 0 or -1. */
int lock_open(int fd, int dir, const char *name, long long wait_ms, struct error *error);

/* As lock_take, for one of many things that share a lock file, by a number. The lock is this process's, not its children's, and
 * ends with the process or as soon as it closes any descriptor of the file (fcntl(2), F_SETLK). */
int lock_take_part(int dir, const char *name, unsigned part, long long wait_ms, struct error *error);

/* Returns 1 when fd is open on the lock file name below dir and holds its lock, else 0. */
int lock_is_ours(int fd, int dir, const char *name);

/* Tells who holds the lock file name below dir, without touching it (proc_locks(5)). Returns 1 with the pid of the process that
 * took the lock, which may have ended and left it to a child; 0 when nobody holds it; -1 where the kernel does not tell. */
int lock_holder(int dir, const char *name, pid_t *ret_pid);

#endif
