/* SPDX-License-Identifier: MIT */
/* The sockets that systemd, or whoever speaks its protocol, gave to this process: sd_listen_fds(3). */
#ifndef DEWY_SERVE_INHERITED_H
#define DEWY_SERVE_INHERITED_H

#include "cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct error;

struct inherited_socket {
	int fd;     /* -1 once somebody took it */
	char *name; /* from LISTEN_FDNAMES, NULL for none */
	int type;   /* SOCK_STREAM... */
	struct sockaddr_storage address;
	socklen_t length;
};

struct inherited {
	struct inherited_socket *list;
	size_t count;
};

#define AUTO_INHERITED AUTO(inherited_close)

/* Takes the sockets from descriptor 3 on, when LISTEN_PID says that they are for this process, and LISTEN_* out of the environment
 * in any case. Returns 0; or -1 with ERROR_CONFIG when one of them is nothing that a server can accept on. The caller gives ret to
 * inherited_close in both cases. */
int inherited_take(struct inherited *ret, struct error *error);

/* Returns a socket of that type at that address, or NULL. An IPv6 socket for all addresses that takes IPv4, too, is also one for
 * all IPv4 addresses. */
struct inherited_socket *inherited_find(struct inherited *inherited, int type, const struct sockaddr *address);

/* Returns the UNIX stream socket at that absolute path, or NULL. */
struct inherited_socket *inherited_find_path(struct inherited *inherited, const char *path);

/* Returns the key of SERVER_STARTER_PORT for its address: 8080 for all IPv4 addresses, 127.0.0.1:8080, [::1]:8080, a path, or
 * @NAME for an abstract one; with strict, a UDP port has u before it. The caller frees it; NULL with ERROR_CONFIG when there can
 * be none. */
char *inherited_key(const struct inherited_socket *socket, bool strict, struct error *error);

/* Closes those that nobody took. */
void inherited_close(struct inherited *inherited);

#endif
