/* SPDX-License-Identifier: MIT */
#include "serve/sockets.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "fs.h"
#include "handover.h"
#include "log.h"
#include "serve/port.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

struct socket_entry {
	char *key;
	int fd;     /* here */
	int slot;   /* in the worker, 3 and following */
	int target; /* in the worker besides, -1 for none */
	char *path; /* absolute, of a UNIX socket */
	dev_t device;
	ino_t inode;
};

static struct socket_entry *add_entry(struct sockets *sockets, const char *key, int fd)
{
	sockets->entries = xreallocarray(sockets->entries, sockets->count + 1, sizeof *sockets->entries);
	struct socket_entry *entry = &sockets->entries[sockets->count++];
	*entry = (struct socket_entry){.key = xstrdup(key), .fd = fd, .slot = -1, .target = -1};
	return entry;
}

static int bind_failed(const char *what, struct error *error)
{
	int number = errno;

	error_errno(error, number, "cannot listen on %s", what);
	error->code = number == EADDRINUSE ? ERROR_APPLICATION : ERROR_CONFIG;
	if (number == EADDRINUSE)
		return error_hint(error, "end what listens there (ss -lntup shows it), or choose another port");
	if (number == EACCES)
		return error_hint(error,
				  "choose a port from 1024 on, or give this program the right to bind (CAP_NET_BIND_SERVICE)");
	return error_hint(error, "give an address of this machine");
}

/* Returns the address of a host, an IPv4 one where it has one (as Server::Starter binds), which freeaddrinfo releases. */
static struct addrinfo *look_up(const struct port *port, struct addrinfo **ret_all, struct error *error)
{
	struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_family = port->host ? AF_UNSPEC : AF_INET,
		.ai_socktype = port->datagram ? SOCK_DGRAM : SOCK_STREAM,
	};
	AUTO_FREE char *service = xasprintf("%d", port->number);
	int failed = getaddrinfo(port->host, service, &hints, ret_all);

	if (failed) {
		error_set(error, ERROR_CONFIG, "cannot listen on %s: %s", port->key, gai_strerror(failed));
		error_hint(error, "give an address of this machine, or a name that it knows");
		return NULL;
	}
	for (struct addrinfo *address = *ret_all; address; address = address->ai_next)
		if (address->ai_family == AF_INET)
			return address;
	return *ret_all;
}

static int listen_on(const struct addrinfo *address, int backlog)
{
	AUTO_CLOSE int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on))
		return -1;
	if (address->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on))
		return -1;
	if (bind(fd, address->ai_addr, address->ai_addrlen))
		return -1;
	if (address->ai_socktype == SOCK_STREAM && listen(fd, backlog))
		return -1;
	return steal_fd(&fd);
}

static int open_port(struct sockets *sockets, const struct port *port, int backlog, struct error *error)
{
	struct addrinfo *all, *address = look_up(port, &all, error);

	if (!address)
		return -1;
	int fd = listen_on(address, backlog);
	int result = fd < 0 ? bind_failed(port->key, error) : 0;
	freeaddrinfo(all);
	if (result == 0)
		add_entry(sockets, port->key, fd)->target = port->target;
	return result;
}

static int open_ports(struct sockets *sockets, const char *const *texts, int backlog, struct error *error)
{
	AUTO_PORTS struct port_list list = {0};

	for (; *texts; texts++)
		if (ports_add(&list, *texts, error))
			return -1;
	for (size_t i = 0; i < list.count; i++)
		if (open_port(sockets, &list.ports[i], backlog, error))
			return -1;
	return 0;
}

/* Removes the socket file that an earlier run left. */
static int clear_path(const char *path, struct error *error)
{
	struct stat status;

	if (lstat(path, &status))
		return errno == ENOENT ? 0 : error_errno(error, errno, "cannot look at %s", path);
	if (!S_ISSOCK(status.st_mode)) {
		error_set(error, ERROR_CONFIG, "--path %s: there is a file that is no socket", path);
		return error_hint(error, "choose another path, or move the file away");
	}
	log_info("Removing existing socket file", "path", path);
	return unlink(path) ? error_errno(error, errno, "cannot remove the socket file %s", path) : 0;
}

static int open_path(struct sockets *sockets, const char *path, int backlog, struct error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat status;

	if (!*path || strlen(path) >= sizeof address.sun_path || strpbrk(path, ";=")) {
		error_set(error, ERROR_USAGE, "--path %s: a socket's path has 1 to %zu bytes, and no ; and no =", path,
			  sizeof address.sun_path - 1);
		return error_hint(error, "choose a shorter or plainer path");
	}
	if (clear_path(path, error))
		return -1;
	memcpy(address.sun_path, path, strlen(path));
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	mode_t mask = umask(0); /* any user may connect, as with Server::Starter; the directory decides who can */
	int failed = fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, backlog) || lstat(path, &status);
	int number = errno;
	umask(mask);
	if (failed)
		return error_errno(error, number, "cannot listen on %s", path);
	struct socket_entry *entry = add_entry(sockets, path, steal_fd(&fd));
	entry->path = fs_absolute_path(path);
	entry->device = status.st_dev;
	entry->inode = status.st_ino;
	return 0;
}

static struct socket_entry *find_target(const struct sockets *sockets, size_t end, int target)
{
	for (size_t i = 0; i < end; i++)
		if (sockets->entries[i].target == target)
			return &sockets->entries[i];
	return NULL;
}

/* Chooses the descriptors of the worker. Those that =FD puts among 3 and following are there only once; the others fill what
 * is left, in order. */
static int assign_slots(struct sockets *sockets, struct error *error)
{
	int next = SOCKETS_FIRST, end = SOCKETS_FIRST + (int)sockets->count;

	for (size_t i = 0; i < sockets->count; i++) {
		struct socket_entry *entry = &sockets->entries[i];
		if (entry->target >= 0 && find_target(sockets, i, entry->target))
			return error_set(error, ERROR_USAGE, "--port %s=%d: another socket has that descriptor", entry->key,
					 entry->target);
		if (entry->target >= SOCKETS_FIRST && entry->target < end)
			entry->slot = entry->target;
	}
	for (size_t i = 0; i < sockets->count; i++) {
		while (find_target(sockets, sockets->count, next))
			next++;
		if (sockets->entries[i].slot < 0)
			sockets->entries[i].slot = next++;
	}
	return 0;
}

int sockets_open(struct sockets *ret, const char *const *ports, const char *const *paths, int backlog, struct error *error)
{
	*ret = (struct sockets){0};
	if (open_ports(ret, ports, backlog, error))
		return -1;
	for (; *paths; paths++)
		if (open_path(ret, *paths, backlog, error))
			return -1;
	return assign_slots(ret, error);
}

void sockets_close(struct sockets *sockets)
{
	for (size_t i = 0; i < sockets->count; i++) {
		close(sockets->entries[i].fd);
		free(sockets->entries[i].key);
		free(sockets->entries[i].path);
	}
	free(sockets->entries);
	*sockets = (struct sockets){0};
}

void sockets_unlink(const struct sockets *sockets)
{
	struct stat status;

	for (size_t i = 0; i < sockets->count; i++) {
		const struct socket_entry *entry = &sockets->entries[i];
		if (entry->path && lstat(entry->path, &status) == 0 && status.st_dev == entry->device &&
		    status.st_ino == entry->inode)
			unlink(entry->path);
	}
}

void sockets_add_starter_port(const struct sockets *sockets, struct buf *buf)
{
	for (size_t i = 0; i < sockets->count; i++) {
		const struct socket_entry *entry = &sockets->entries[i];
		buf_printf(buf, "%s%s=%d", i ? ";" : "", entry->key, entry->target >= 0 ? entry->target : entry->slot);
	}
}

/* Returns the socket at that descriptor of the worker. */
static const struct socket_entry *at_slot(const struct sockets *sockets, int slot)
{
	size_t i = 0;

	while (sockets->entries[i].slot != slot)
		i++;
	return &sockets->entries[i];
}

void sockets_add_names(const struct sockets *sockets, struct buf *buf)
{
	for (int slot = SOCKETS_FIRST; slot < SOCKETS_FIRST + (int)sockets->count; slot++) {
		if (slot > SOCKETS_FIRST)
			buf_puts(buf, ":");
		for (const char *at = at_slot(sockets, slot)->key; *at; at++)
			buf_add(buf, *at == ':' || !isascii((unsigned char)*at) || iscntrl((unsigned char)*at) ? "_" : at, 1);
	}
}

static int move_to(int fd, int target)
{
	return dup2(fd, target) < 0 ? -1 : 0;
}

int sockets_place(const struct sockets *sockets, int *keep)
{
	int above = SOCKETS_FIRST + (int)sockets->count;

	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->entries[i].target >= above)
			above = sockets->entries[i].target + 1;
	if ((*keep = fcntl(*keep, F_DUPFD_CLOEXEC, above)) < 0)
		return -1;
	for (size_t i = 0; i < sockets->count; i++)
		if ((sockets->entries[i].fd = fcntl(sockets->entries[i].fd, F_DUPFD_CLOEXEC, above)) < 0)
			return -1;
	for (size_t i = 0; i < sockets->count; i++) {
		const struct socket_entry *entry = &sockets->entries[i];
		if (move_to(entry->fd, entry->slot) || (entry->target >= 0 && move_to(entry->fd, entry->target)))
			return -1;
	}
	return 0;
}

void sockets_hand_over(struct sockets *sockets, const struct handover *handover)
{
	size_t count = handover_list(handover, "sockets", sockets->count);

	for (size_t i = 0; i < count; i++) {
		struct handover item = handover_item(handover, "sockets", i);
		struct socket_entry *entry = handover->state->reads ? add_entry(sockets, NULL, -1) : &sockets->entries[i];
		long long device = (long long)entry->device, inode = (long long)entry->inode;
		handover_string(&item, "key", &entry->key);
		handover_fd(&item, "fd", &entry->fd);
		handover_int(&item, "slot", &entry->slot);
		handover_int(&item, "target", &entry->target);
		handover_string(&item, "path", &entry->path);
		handover_number(&item, "device", &device);
		handover_number(&item, "inode", &inode);
		entry->device = (dev_t)device;
		entry->inode = (ino_t)inode;
		if (!entry->key)
			handover_refuse(&item, "key");
	}
}
