/* SPDX-License-Identifier: MIT */
/* The listening sockets: bound once, kept as long as the supervisor lives, inherited by every worker. */
#ifndef DEWY_SERVE_SOCKETS_H
#define DEWY_SERVE_SOCKETS_H

#include "cleanup.h"

#include <stddef.h>

struct buf;
struct error;
struct handover;

enum { SOCKETS_FIRST = 3 }; /* SD_LISTEN_FDS_START of sd_listen_fds(3) */

struct sockets {
	struct socket_entry *entries;
	size_t count;
};

#define AUTO_SOCKETS AUTO(sockets_close)

/* Binds all of --port (see port.h) and then of --path, both ended by NULL. backlog is for listen(2). A socket file that is
 * in the way is replaced, any other file refused. Returns 0, or -1 with ERROR_USAGE, ERROR_CONFIG or ERROR_APPLICATION;
 * the caller gives ret to sockets_close in both cases. */
int sockets_open(struct sockets *ret, const char *const *ports, const char *const *paths, int backlog, struct error *error);

/* Puts all sockets down, or sets them; see handover.h. */
void sockets_hand_over(struct sockets *sockets, const struct handover *handover);

void sockets_close(struct sockets *sockets);

/* Removes the socket files that sockets_open made, unless somebody replaced them. */
void sockets_unlink(const struct sockets *sockets);

/* Appends the value of SERVER_STARTER_PORT: KEY=FD joined by semicolons, with the descriptors of the worker. */
void sockets_add_starter_port(const struct sockets *sockets, struct buf *buf);

/* Appends the value of LISTEN_FDNAMES: the keys, joined by colons, with _ for what systemd does not allow in a name. */
void sockets_add_names(const struct sockets *sockets, struct buf *buf);

/* Puts the sockets where a worker expects them: at 3 and following, and where =FD says. Only for the child after fork(2), as
 * it overwrites descriptors. keep is moved out of the way. Returns 0, or -1 with errno. */
int sockets_place(const struct sockets *sockets, int *keep);

#endif
