/* SPDX-License-Identifier: MIT */
/* A filter of system calls (seccomp(2)) for a process that only reads and writes files. */
#ifndef DEWY_SECCOMP_H
#define DEWY_SECCOMP_H

#include <stdbool.h>

/* True when the filter below can be had. */
bool seccomp_is_there(void);

/* Has the kernel refuse, from here on and for good, what would reach the network, other processes, other programs, the devices
 * behind open descriptors, or the kernel's settings, and what changes the length, the mode or the owner of a file by its name:
 * with EPERM, and with ENOSYS what is younger than Linux 5.1. Threads may be started, and all this holds for them. The process,
 * which has one thread, has given up new privileges before (PR_SET_NO_NEW_PRIVS). Returns 1; 0 when the kernel has no such
 * filters, lets nobody use them, or is for a machine that there is none for; or -1 with errno. */
int seccomp_files_only(void);

#endif
