/* SPDX-License-Identifier: MIT */
/* The process that writes the log file: it reads a pipe and appends what comes, so that the file can be exchanged under workers
 * that go on writing to the pipe, and neither a full disk nor a file that cannot be written holds them up. */
#ifndef DEWY_SERVE_COPIER_H
#define DEWY_SERVE_COPIER_H

/* Makes this process, a child of the supervisor, the one that appends what the descriptor in gives to the file at path, which is
 * absolute. It keeps nothing else open, writes whole lines, and the rest of one that is not continued for a second. What cannot be
 * written is dropped, counted, and told in one line as soon as writing works again. SIGUSR1 makes it open the file anew; no other
 * signal but SIGKILL and SIGSTOP does anything to it. It ends when nobody can write to the pipe any more. */
_Noreturn void copier_run(int in, const char *path);

#endif
