/* SPDX-License-Identifier: MIT */
/* The sockets of this machine that wait for clients, and whose they are (proc_net(5), proc_pid_fd(5)). */
#ifndef DEWY_DOCTOR_LISTENERS_H
#define DEWY_DOCTOR_LISTENERS_H

#include "cleanup.h"

#include <stdbool.h>
#include <sys/types.h>

struct listener {
	bool datagram;
	char *address;       /* as inet_ntop(3) has it; the path of a UNIX socket */
	int port;            /* 0 for a UNIX socket */
	unsigned long inode; /* of the socket */
};

struct listener_list {
	struct listener *items;
	size_t count;
};

#define AUTO_LISTENERS AUTO(listeners_free)

/* Reads all listeners of the network namespace of a process, 0 for the caller's. The caller gives the list to listeners_free. */
struct listener_list listeners_read(pid_t pid);

void listeners_free(struct listener_list *list);

/* Returns 1 when the process has the socket open, 0 when it has not, and -1 when this user may not look. */
int listener_is_of(const struct listener *listener, pid_t pid);

/* Returns a process that has the socket open, 0 when none is found. */
pid_t listener_owner(const struct listener *listener);

#endif
