/* SPDX-License-Identifier: MIT */
#include "serve/sockets.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "fs.h"
#include "handover.h"
#include "log.h"
#include "serve/inherited.h"
#include "serve/listen.h"
#include "serve/port.h"

#include <ctype.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct socket_entry *add_entry(struct sockets *sockets, const char *key, int fd)
{
	sockets->entries = xreallocarray(sockets->entries, sockets->count + 1, sizeof *sockets->entries);
	struct socket_entry *entry = &sockets->entries[sockets->count++];
	*entry = (struct socket_entry){.key = xstrdup(key), .fd = fd, .slot = -1, .target = -1};
	return entry;
}

/* Enters an inherited socket, which then belongs to the entry. Returns NULL when there is none. */
static struct socket_entry *add_inherited(struct sockets *sockets, const char *key, struct inherited_socket *from)
{
	if (!from)
		return NULL;
	struct socket_entry *entry = add_entry(sockets, key, steal_fd(&from->fd));
	entry->name = steal_pointer(&from->name);
	log_info("Socket taken over", "socket", key, "name", entry->name);
	return entry;
}

static int open_port(struct sockets *sockets, const struct port *port, const struct socket_rules *rules,
		     struct inherited *inherited, struct error *error)
{
	AUTO(listen_forget) struct addrinfo *all = NULL;
	const struct addrinfo *address = listen_look_up(port, &all, error);

	if (!address)
		return -1;
	struct inherited_socket *from = inherited_find(inherited, address->ai_socktype, address->ai_addr);
	struct socket_entry *entry = add_inherited(sockets, port->key, from);
	if (!entry) {
		int fd = listen_on_port(port, address, rules, error);
		if (fd < 0)
			return -1;
		entry = add_entry(sockets, port->key, fd);
	}
	entry->target = port->target;
	return 0;
}

static int open_ports(struct sockets *sockets, const char *const *texts, const struct socket_rules *rules,
		      struct inherited *inherited, struct error *error)
{
	AUTO_PORTS struct port_list list = {.strict_keys = rules->strict_keys};

	for (; *texts; texts++)
		if (ports_add(&list, *texts, error))
			return -1;
	for (size_t i = 0; i < list.count; i++)
		if (open_port(sockets, &list.ports[i], rules, inherited, error))
			return -1;
	return 0;
}

static int open_path(struct sockets *sockets, const char *path, const struct socket_rules *rules, struct inherited *inherited,
		     struct error *error)
{
	AUTO_FREE char *absolute = fs_absolute_path(path);
	struct sockaddr_un address;
	struct stat status;

	if (listen_path_address(path, &address, error))
		return -1;
	if (add_inherited(sockets, path, inherited_find_path(inherited, absolute)))
		return 0;
	int fd = listen_on_path(path, &address, rules, &status, error);
	if (fd < 0)
		return -1;
	struct socket_entry *entry = add_entry(sockets, path, fd);
	entry->path = steal_pointer(&absolute);
	entry->device = status.st_dev;
	entry->inode = status.st_ino;
	return 0;
}

/* Enters those that no option asked for. */
static int take_rest(struct sockets *sockets, struct inherited *inherited, bool strict, struct error *error)
{
	for (size_t i = 0; i < inherited->count; i++) {
		struct inherited_socket *from = &inherited->list[i];
		if (from->fd < 0)
			continue;
		AUTO_FREE char *key = inherited_key(from, strict, error);
		if (!key)
			return -1;
		add_inherited(sockets, key, from);
	}
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

int sockets_open(struct sockets *ret, const char *const *ports, const char *const *paths, const struct socket_rules *rules,
		 struct inherited *inherited, struct error *error)
{
	*ret = (struct sockets){0};
	if (open_ports(ret, ports, rules, inherited, error))
		return -1;
	for (; *paths; paths++)
		if (open_path(ret, *paths, rules, inherited, error))
			return -1;
	return take_rest(ret, inherited, rules->strict_keys, error) ? -1 : assign_slots(ret, error);
}

void sockets_close(struct sockets *sockets)
{
	for (size_t i = 0; i < sockets->count; i++) {
		close(sockets->entries[i].fd);
		free(sockets->entries[i].key);
		free(sockets->entries[i].name);
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
		const struct socket_entry *entry = at_slot(sockets, slot);
		if (slot > SOCKETS_FIRST)
			buf_puts(buf, ":");
		for (const char *at = entry->name ? entry->name : entry->key; *at; at++)
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
		handover_string(&item, "name", &entry->name);
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
