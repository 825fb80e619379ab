/* SPDX-License-Identifier: MIT */
#include "doctor/listeners.h"

#include "alloc.h"
#include "error.h"
#include "fs.h"
#include "str.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { LISTEN = 0x0a, UNCONNECTED = 0x07, ACCEPTS = 0x10000 };

void listeners_free(struct listener_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].address);
	free(list->items);
	*list = (struct listener_list){0};
}

static void add(struct listener_list *list, struct listener listener)
{
	list->items = xreallocarray(list->items, list->count + 1, sizeof *list->items);
	listener.address = xstrdup(listener.address);
	list->items[list->count++] = listener;
}

/* Reads an address as the kernel prints it: words of 32 bits in the order of this machine, as hexadecimal digits. */
static void read_address(const char *digits, char text[INET6_ADDRSTRLEN])
{
	unsigned words[4] = {0};
	size_t count = strlen(digits) / 8;

	for (size_t i = 0; i < count && i < 4; i++)
		sscanf(digits + 8 * i, "%8x", &words[i]);
	inet_ntop(count > 1 ? AF_INET6 : AF_INET, words, text, INET6_ADDRSTRLEN);
}

static void read_internet(struct listener_list *list, const char *line, bool datagram)
{
	char digits[33], address[INET6_ADDRSTRLEN];
	unsigned port, state;
	unsigned long inode;

	if (sscanf(line, "%*d: %32[0-9A-F]:%x %*s %x %*s %*s %*s %*u %*u %lu", digits, &port, &state, &inode) != 4 ||
	    state != (datagram ? UNCONNECTED : LISTEN))
		return;
	read_address(digits, address);
	add(list, (struct listener){.datagram = datagram, .address = address, .port = (int)port, .inode = inode});
}

static void read_local(struct listener_list *list, const char *line)
{
	unsigned flags;
	unsigned long inode;
	int length = 0;

	if (sscanf(line, "%*s %*s %*s %x %*s %*s %lu %n", &flags, &inode, &length) != 2 || !(flags & ACCEPTS) || !line[length])
		return;
	AUTO_FREE char *path = xstrndup(line + length, strcspn(line + length, "\n"));
	add(list, (struct listener){.address = path, .inode = inode});
}

struct listener_list listeners_read(pid_t pid)
{
	static const char *const names[] = {"tcp", "tcp6", "udp", "udp6", "unix"};
	AUTO_FREE char *directory = pid ? xasprintf("/proc/%d/net", (int)pid) : xstrdup("/proc/net");
	struct listener_list list = {0};
	char line[512];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", directory, names[i]);
		FILE *file = fopen(path, "re");
		while (file && fgets(line, sizeof line, file))
			names[i][0] == 'u' && names[i][1] == 'n' ? read_local(&list, line) : read_internet(&list, line,
													   names[i][0] == 'u');
		if (file)
			fclose(file);
	}
	return list;
}

/* The descriptors of a process, among which a socket is looked for. */
struct search {
	int dir;
	char target[32]; /* what the link of its descriptor says */
};

static int is_target(const char *name, void *context)
{
	const struct search *search = context;
	char target[sizeof search->target];
	struct error error;

	return fs_read_link(search->dir, name, target, sizeof target, &error) == 0 && str_equal(target, search->target);
}

int listener_is_of(const struct listener *listener, pid_t pid)
{
	AUTO_FREE char *path = xasprintf("/proc/%d/fd", (int)pid);
	AUTO_CLOSE int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct search search = {.dir = dir};
	struct error error;

	snprintf(search.target, sizeof search.target, "socket:[%lu]", listener->inode);
	return dir < 0 ? -1 : fs_each(dir, is_target, &search, &error);
}

/* A process that is looked for. */
struct owner {
	const struct listener *listener;
	pid_t pid;
};

static int look_at_process(const char *name, void *context)
{
	struct owner *owner = context;
	long long pid;

	if (str_to_number(name, &pid) || listener_is_of(owner->listener, (pid_t)pid) <= 0)
		return 0;
	owner->pid = (pid_t)pid;
	return 1;
}

pid_t listener_owner(const struct listener *listener)
{
	AUTO_CLOSE int dir = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct owner owner = {.listener = listener};
	struct error error;

	if (dir >= 0)
		fs_each(dir, look_at_process, &owner, &error);
	return owner.pid;
}
