/* SPDX-License-Identifier: MIT */
#include "serve/inherited.h"

#include "alloc.h"
#include "error.h"
#include "serve/sockets.h"
#include "str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/un.h>

static int get_option(int fd, int level, int name)
{
	int value = 0;
	socklen_t length = sizeof value;

	return getsockopt(fd, level, name, &value, &length) ? -1 : value;
}

static int refuse(int fd, const char *why, struct error *error)
{
	error_set(error, ERROR_CONFIG, "descriptor %d of LISTEN_FDS %s", fd, why);
	return error_hint(error, "give the socket unit ListenStream= or ListenDatagram=, and not Accept=yes");
}

static int take_one(struct inherited_socket *ret, int fd, struct error *error)
{
	*ret = (struct inherited_socket){.fd = -1, .length = sizeof ret->address};
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) || getsockname(fd, (struct sockaddr *)&ret->address, &ret->length))
		return refuse(fd, "is no socket", error);
	ret->fd = fd;
	ret->type = get_option(fd, SOL_SOCKET, SO_TYPE);
	if (ret->type == SOCK_DGRAM)
		return 0;
	return get_option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1 ? 0 : refuse(fd, "does not listen", error);
}

/* Returns how many descriptors are for this process. */
static long long count_given(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	long long number, given;

	if (!pid || !count || str_to_number(pid, &number) || number != getpid() || str_to_number(count, &given))
		return 0;
	return given < 0 ? 0 : given;
}

/* Distributes the names, which count only when there is one for each socket. */
static void take_names(struct inherited *inherited, const char *names)
{
	AUTO_FREE char *copy = xstrdup(names);
	char *rest = copy, *name;
	size_t count = 1;

	for (const char *at = names; (at = strchr(at, ':')); at++)
		count++;
	if (count != inherited->count)
		return;
	for (size_t i = 0; (name = strsep(&rest, ":")); i++)
		inherited->list[i].name = *name ? xstrdup(name) : NULL;
}

int inherited_take(struct inherited *ret, struct error *error)
{
	AUTO_FREE char *names = xstrdup(getenv("LISTEN_FDNAMES"));
	long long count = count_given();

	*ret = (struct inherited){0};
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	for (int i = 0; i < count; i++) {
		ret->list = xreallocarray(ret->list, ret->count + 1, sizeof *ret->list);
		if (take_one(&ret->list[ret->count++], SOCKETS_FIRST + i, error))
			return -1;
	}
	if (names)
		take_names(ret, names);
	return 0;
}

static bool is_any(const struct in6_addr *address)
{
	return memcmp(address, &in6addr_any, sizeof *address) == 0;
}

static bool same_address(const struct inherited_socket *socket, const struct sockaddr *wanted)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)&socket->address, *four_wanted = (const void *)wanted;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&socket->address, *six_wanted = (const void *)wanted;

	if (socket->address.ss_family == AF_INET && wanted->sa_family == AF_INET)
		return four->sin_port == four_wanted->sin_port && four->sin_addr.s_addr == four_wanted->sin_addr.s_addr;
	if (socket->address.ss_family != AF_INET6)
		return false;
	if (wanted->sa_family == AF_INET6)
		return six->sin6_port == six_wanted->sin6_port && six->sin6_scope_id == six_wanted->sin6_scope_id &&
		       memcmp(&six->sin6_addr, &six_wanted->sin6_addr, sizeof six->sin6_addr) == 0;
	return wanted->sa_family == AF_INET && six->sin6_port == four_wanted->sin_port &&
	       four_wanted->sin_addr.s_addr == INADDR_ANY && is_any(&six->sin6_addr) &&
	       get_option(socket->fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0;
}

struct inherited_socket *inherited_find(struct inherited *inherited, int type, const struct sockaddr *address)
{
	for (size_t i = 0; i < inherited->count; i++) {
		struct inherited_socket *socket = &inherited->list[i];
		if (socket->fd >= 0 && socket->type == type && same_address(socket, address))
			return socket;
	}
	return NULL;
}

/* Returns the name of a UNIX socket, with @ before an abstract one; the caller frees it. */
static char *unix_name(const struct inherited_socket *socket)
{
	const struct sockaddr_un *name = (const struct sockaddr_un *)&socket->address;
	int length = (int)(socket->length - offsetof(struct sockaddr_un, sun_path));

	if (length > 1 && name->sun_path[0] == '\0')
		return xasprintf("@%.*s", length - 1, name->sun_path + 1);
	return xasprintf("%.*s", length, name->sun_path);
}

struct inherited_socket *inherited_find_path(struct inherited *inherited, const char *path)
{
	for (size_t i = 0; i < inherited->count; i++) {
		struct inherited_socket *socket = &inherited->list[i];
		if (socket->fd < 0 || socket->type != SOCK_STREAM || socket->address.ss_family != AF_UNIX)
			continue;
		AUTO_FREE char *name = unix_name(socket);
		if (str_equal(name, path))
			return socket;
	}
	return NULL;
}

static char *unix_key(const struct inherited_socket *socket, struct error *error)
{
	AUTO_FREE char *name = unix_name(socket);

	if (*name && !strpbrk(name, ";="))
		return steal_pointer(&name);
	refuse(socket->fd, *name ? "has a path with ; or = in it" : "has no name", error);
	return NULL;
}

char *inherited_key(const struct inherited_socket *socket, bool strict, struct error *error)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)&socket->address;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&socket->address;
	const char *mark = strict && socket->type == SOCK_DGRAM ? "u" : "";
	char text[INET6_ADDRSTRLEN];

	switch (socket->address.ss_family) {
	case AF_INET:
		if (four->sin_addr.s_addr == INADDR_ANY)
			return xasprintf("%s%d", mark, ntohs(four->sin_port));
		return xasprintf("%s:%s%d", inet_ntop(AF_INET, &four->sin_addr, text, sizeof text), mark, ntohs(four->sin_port));
	case AF_INET6:
		return xasprintf("[%s]:%s%d", inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text), mark, ntohs(six->sin6_port));
	case AF_UNIX:
		return unix_key(socket, error);
	default:
		refuse(socket->fd, "is neither an Internet nor a UNIX socket", error);
		return NULL;
	}
}

void inherited_close(struct inherited *inherited)
{
	for (size_t i = 0; i < inherited->count; i++) {
		cleanup_close(&inherited->list[i].fd);
		free(inherited->list[i].name);
	}
	free(inherited->list);
	*inherited = (struct inherited){0};
}
