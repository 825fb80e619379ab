/* SPDX-License-Identifier: MIT */
/* Listening on a port or a path. */
#ifndef DEWY_SERVE_LISTEN_H
#define DEWY_SERVE_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

struct addrinfo;
struct error;
struct options;
struct port;
struct sockaddr_un;
struct stat;

/* What the options say of all sockets. */
struct socket_rules {
	int backlog;      /* for listen(2) */
	bool reuse_port;  /* others of the same user may listen on the same port */
	bool strict_keys; /* see port.h */
	mode_t mode;      /* of socket files, as their owner and group, (uid_t)-1 and (gid_t)-1 for those of this process */
	uid_t owner;
	gid_t group;
};

/* Reads the rules. Returns 0, or -1 with ERROR_USAGE or ERROR_CONFIG. */
int listen_rules(struct socket_rules *ret, const struct options *options, struct error *error);

/* Returns the address of a port, the IPv4 one where its host has several (as Server::Starter binds); it is part of ret_all, which
 * the caller gives to listen_forget. NULL with ERROR_CONFIG when there is no such host. */
const struct addrinfo *listen_look_up(const struct port *port, struct addrinfo **ret_all, struct error *error);

void listen_forget(struct addrinfo **all);

/* Returns a socket that listens there, or is bound in the case of UDP; or -1 with ERROR_CONFIG, or with ERROR_APPLICATION when the
 * port is in use. */
int listen_on_port(const struct port *port, const struct addrinfo *address, const struct socket_rules *rules, struct error *error);

/* Fills in the address of a --path. Returns 0, or -1 with ERROR_USAGE when it cannot be one. */
int listen_path_address(const char *path, struct sockaddr_un *ret, struct error *error);

/* Binds a socket whose file has the mode from the beginning, whatever the umask. Returns 0, or -1 with errno. */
int listen_bind(int fd, const struct sockaddr_un *address, mode_t mode);

/* Returns a UNIX socket that listens at path; ret_status tells which file it is. The file has its mode from the beginning, and its
 * owner before anybody can connect. A socket that is in the way is replaced, any other file refused with ERROR_CONFIG. */
int listen_on_path(const char *path, const struct sockaddr_un *address, const struct socket_rules *rules, struct stat *ret_status,
		   struct error *error);

#endif
