/* SPDX-License-Identifier: MIT */
/* One process at a time, by flock(2): the kernel lets go when the holder dies, so there is no stale lock. */
#ifndef DEWY_LOCK_H
#define DEWY_LOCK_H

struct error;

/* Takes the lock file name below dir, which is created when missing, waiting at most wait_ms milliseconds. Returns its
 * descriptor, which holds the lock until it is closed; or -1 with ERROR_LOCKED, or ERROR_FILESYSTEM. */
int lock_take(int dir, const char *name, long long wait_ms, struct error *error);

/* Returns 1 when fd is open on the lock file name below dir and holds its lock, else 0. */
int lock_is_ours(int fd, int dir, const char *name);

#endif
