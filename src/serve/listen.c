/* SPDX-License-Identifier: MIT */
#include "serve/listen.h"

#include "alloc.h"
#include "cleanup.h"
#include "error.h"
#include "log.h"
#include "options.h"
#include "serve/identity.h"
#include "serve/port.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

int listen_rules(struct socket_rules *ret, const struct options *options, struct error *error)
{
	const char *user = option_string(options, OPT_SOCKET_USER), *group = option_string(options, OPT_SOCKET_GROUP);

	*ret = (struct socket_rules){
		.backlog = (int)option_number(options, OPT_BACKLOG),
		.reuse_port = option_flag(options, OPT_REUSE_PORT),
		.strict_keys = option_flag(options, OPT_STRICT_KEYS),
		.owner = (uid_t)-1,
		.group = (gid_t)-1,
	};
	if (port_read_mode(option_string(options, OPT_SOCKET_MODE), &ret->mode, error) ||
	    (user && identity_user_id("socket-user", user, &ret->owner, error)) ||
	    (group && identity_group_id("socket-group", group, &ret->group, error)))
		return -1;
	return 0;
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

const struct addrinfo *listen_look_up(const struct port *port, struct addrinfo **ret_all, struct error *error)
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
	for (const struct addrinfo *address = *ret_all; address; address = address->ai_next)
		if (address->ai_family == AF_INET)
			return address;
	return *ret_all;
}

void listen_forget(struct addrinfo **all)
{
	if (*all)
		freeaddrinfo(*all);
}

static int listen_on(const struct addrinfo *address, const struct socket_rules *rules)
{
	AUTO_CLOSE int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on))
		return -1;
	if (rules->reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on))
		return -1;
	if (address->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on))
		return -1;
	if (bind(fd, address->ai_addr, address->ai_addrlen))
		return -1;
	if (address->ai_socktype == SOCK_STREAM && listen(fd, rules->backlog))
		return -1;
	return steal_fd(&fd);
}

int listen_on_port(const struct port *port, const struct addrinfo *address, const struct socket_rules *rules, struct error *error)
{
	int fd = listen_on(address, rules);

	return fd < 0 ? bind_failed(port->key, error) : fd;
}

int listen_path_address(const char *path, struct sockaddr_un *ret, struct error *error)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!*path || strlen(path) >= sizeof ret->sun_path || strpbrk(path, ";=")) {
		error_set(error, ERROR_USAGE, "--path %s: a socket's path has 1 to %zu bytes, and no ; and no =", path,
			  sizeof ret->sun_path - 1);
		return error_hint(error, "choose a shorter or plainer path");
	}
	memcpy(ret->sun_path, path, strlen(path));
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

int listen_bind(int fd, const struct sockaddr_un *address, mode_t mode)
{
	if (fchmod(fd, mode)) /* the kernel takes the mode of the file from the socket, less the mask */
		return -1;
	mode_t mask = umask(0);
	int failed = bind(fd, (const struct sockaddr *)address, sizeof *address);
	int number = errno;
	umask(mask);
	errno = number;
	return failed;
}

/* Gives the file to its owner. Whoever may write to the directory may have put something else there meanwhile, so the file is held
 * by a descriptor, and only a socket with no other name is given away. */
static int give_path(const char *path, const struct socket_rules *rules, struct stat *ret_status)
{
	AUTO_CLOSE int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, ret_status))
		return -1;
	if (!S_ISSOCK(ret_status->st_mode) || ret_status->st_nlink != 1) {
		errno = EEXIST;
		return -1;
	}
	if (rules->owner == (uid_t)-1 && rules->group == (gid_t)-1)
		return 0;
	return fchownat(fd, "", rules->owner, rules->group, AT_EMPTY_PATH);
}

static int remove_path(const char *path, struct error *error)
{
	int number = errno;

	unlink(path);
	error_errno(error, number, "cannot give the socket file %s to its owner", path);
	return error_hint(error, "run as root, or leave --socket-user and --socket-group out");
}

int listen_on_path(const char *path, const struct sockaddr_un *address, const struct socket_rules *rules, struct stat *ret_status,
		   struct error *error)
{
	if (clear_path(path, error))
		return -1;
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || listen_bind(fd, address, rules->mode))
		return error_errno(error, errno, "cannot listen on %s", path);
	if (give_path(path, rules, ret_status))
		return remove_path(path, error);
	if (listen(fd, rules->backlog)) /* until here, nobody can connect */
		return error_errno(error, errno, "cannot listen on %s", path);
	return steal_fd(&fd);
}
