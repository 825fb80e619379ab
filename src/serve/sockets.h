/* SPDX-License-Identifier: MIT */
/* The listening sockets: bound once, kept as long as the supervisor lives, inherited by every worker. */
#ifndef DEWY_SERVE_SOCKETS_H
#define DEWY_SERVE_SOCKETS_H

#include "cleanup.h"

#include <stddef.h>
#include <sys/types.h>

struct buf;
struct error;
struct handover;
struct inherited;
struct socket_rules;

enum { SOCKETS_FIRST = 3 }; /* SD_LISTEN_FDS_START of sd_listen_fds(3) */

struct socket_entry {
	char *key;  /* in SERVER_STARTER_PORT */
	char *name; /* in LISTEN_FDNAMES, NULL for one made from the key */
	int fd;     /* here */
	int slot;   /* in the worker, 3 and following */
	int target; /* in the worker besides, -1 for none */
	char *path; /* absolute, of a socket file made here; NULL for none */
	dev_t device;
	ino_t inode;
};

struct sockets {
	struct socket_entry *entries;
	size_t count;
};

#define AUTO_SOCKETS AUTO(sockets_close)

/* Binds all of --port (see port.h) and then of --path, both ended by NULL. An inherited socket that is what one of them names
 * is taken for it instead; those that are left follow. Returns 0, or -1 with ERROR_USAGE, ERROR_CONFIG or ERROR_APPLICATION;
 * the caller gives ret to sockets_close in both cases. */
int sockets_open(struct sockets *ret, const char *const *ports, const char *const *paths, const struct socket_rules *rules,
		 struct inherited *inherited, struct error *error);

/* Puts all sockets down, or sets them; see handover.h. */
void sockets_hand_over(struct sockets *sockets, const struct handover *handover);

void sockets_close(struct sockets *sockets);

/* Removes the socket files that sockets_open made, unless somebody replaced them. */
void sockets_unlink(const struct sockets *sockets);

/* Appends the value of SERVER_STARTER_PORT: KEY=FD joined by semicolons, with the descriptors of the worker. */
void sockets_add_starter_port(const struct sockets *sockets, struct buf *buf);

/* Appends the value of LISTEN_FDNAMES, joined by colons: the names that inherited sockets came with, else the keys, with _ for
 * what systemd does not allow in a name. */
void sockets_add_names(const struct sockets *sockets, struct buf *buf);

/* Puts the sockets where a worker expects them: at 3 and following, and where =FD says. Only for the child after fork(2), as
 * it overwrites descriptors. keep is moved out of the way. Returns 0, or -1 with errno. */
int sockets_place(const struct sockets *sockets, int *keep);

#endif
