/* SPDX-License-Identifier: MIT */
/* What --port accepts: [HOST:]PORT[,PORT...][=FD], as Server::Starter has it, and lists and ranges. HOST is a name, an IPv4
 * address or an IPv6 address in brackets; PORT is 1 to 65535, with u before it for UDP, or a range such as 8000-8003. And what
 * --socket-mode accepts. */
#ifndef DEWY_SERVE_PORT_H
#define DEWY_SERVE_PORT_H

#include "cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;

enum { PORTS_MOST = 100 }; /* of all --port together */

struct port {
	char *key;  /* its name in SERVER_STARTER_PORT: 8080, 127.0.0.1:8080 or [::1]:8080, also for UDP unless strict_keys */
	char *host; /* without brackets; NULL for all IPv4 addresses */
	int number;
	bool datagram;
	int target; /* descriptor that the worker is to find it at besides its own, -1 for none */
};

struct port_list {
	bool strict_keys; /* UDP ports keep their u: u53 or 127.0.0.1:u53 */
	struct port *ports;
	size_t count;
};

#define AUTO_PORTS AUTO(ports_free)

/* Adds what the text of one --port stands for. Returns 0, or -1 with ERROR_USAGE; the caller gives the list to ports_free in
 * both cases. */
int ports_add(struct port_list *list, const char *text, struct error *error);

void ports_free(struct port_list *list);

/* Reads --socket-mode: the permissions of a socket file, in octal, 0 to 0777. Returns 0, or -1 with ERROR_USAGE. */
int port_read_mode(const char *text, mode_t *ret, struct error *error);

#endif
