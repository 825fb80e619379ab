/* SPDX-License-Identifier: MIT */
#include "serve/readiness.h"

#include "cleanup.h"
#include "error.h"
#include "serve/listen.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static int bind_path(int fd, const char *path, char address[READINESS_ADDRESS])
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct stat status;

	snprintf(address, READINESS_ADDRESS, "%s", path);
	memcpy(name.sun_path, path, strlen(path));
	if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
		unlink(path);
	return listen_bind(fd, &name, 0777); /* workers may run as any user; who sends is looked at with each message */
}

/* With no name given, the kernel chooses a free abstract one (unix(7), autobind). */
static int bind_abstract(int fd, char address[READINESS_ADDRESS])
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t length = sizeof name;

	if (bind(fd, (struct sockaddr *)&name, sizeof(sa_family_t)) || getsockname(fd, (struct sockaddr *)&name, &length))
		return -1;
	int size = (int)(length - offsetof(struct sockaddr_un, sun_path)) - 1;
	snprintf(address, READINESS_ADDRESS, "@%.*s", size, name.sun_path + 1);
	return 0;
}

int readiness_open(const char *path, char address[READINESS_ADDRESS], struct error *error)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool fits = strlen(path) < sizeof((struct sockaddr_un *)0)->sun_path;
	const int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) ||
	    (fits ? bind_path(fd, path, address) : bind_abstract(fd, address)))
		return error_errno(error, errno, "cannot open the socket for readiness %s", path);
	return steal_fd(&fd);
}

void readiness_unlink(const char *address)
{
	if (address[0] == '/')
		unlink(address);
}

bool readiness_receive(int fd, pid_t *ret_sender, char text[READINESS_TEXT])
{
	/* No room for descriptors: the kernel closes those, which is the answer to BARRIER=1. */
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct iovec part = {.iov_base = text, .iov_len = READINESS_TEXT - 1};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
	struct ucred sender;

	ssize_t length = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	if (length < 0)
		return false;
	text[length] = '\0';
	*ret_sender = 0;
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS) {
		memcpy(&sender, CMSG_DATA(header), sizeof sender);
		*ret_sender = sender.pid;
	}
	return true;
}

bool readiness_says(const char *text, const char *line)
{
	size_t length = strlen(line);

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (strcspn(text, "\n") == length && strncmp(text, line, length) == 0)
			return true;
	return false;
}

void readiness_tell(const char *format, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char line[512];
	va_list arguments;

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof address.sun_path)
		return;
	va_start(arguments, format);
	int length = vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	memcpy(address.sun_path, path, strlen(path));
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (fd >= 0 && length > 0 && length < (int)sizeof line)
		sendto(fd, line, (size_t)length, MSG_NOSIGNAL, (struct sockaddr *)&address, size);
}
