/* SPDX-License-Identifier: MIT */
/* The pid file, held under flock(2) as long as the supervisor lives, and what a supervisor that was killed left running. */
#ifndef DEWY_SERVE_PIDFILE_H
#define DEWY_SERVE_PIDFILE_H

struct error;

/* Takes the lock of the pid file; a file that nobody locks is no obstacle. Returns its descriptor; or -1 with ERROR_LOCKED
 * naming the holder's pid, or ERROR_FILESYSTEM. */
int pidfile_take(const char *path, struct error *error);

/* Writes the pid of this process. Returns 0 or -1. */
int pidfile_write(int fd, const char *path, struct error *error);

/* Ends the workers that the status file lists: for the holder of the pid file, when it begins, they are those of a
 * supervisor that was killed, and still have its sockets. They get SIGTERM, and timeout milliseconds later, or after
 * 10 seconds, SIGKILL. */
void pidfile_end_orphans(const char *status_file, long long timeout);

#endif
