/* SPDX-License-Identifier: MIT */
/* A server for any supervisor that speaks the protocol of Server::Starter: it answers each connection with its generation and its
 * pid, says READY=1 to those who listen for that, and ends on SIGTERM. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* sd_notify(3) */
static void say_ready(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (fd < 0 || length >= sizeof address.sun_path)
		return;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	sendto(fd, "READY=1", 7, 0, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
	close(fd);
}

int main(void)
{
	const char *generation = getenv("SERVER_STARTER_GENERATION"), *ports = getenv("SERVER_STARTER_PORT");
	const char *fd = ports ? strrchr(ports, '=') : NULL, *notify = getenv("NOTIFY_SOCKET");
	char text[128];

	if (!generation || !fd) {
		fprintf(stderr, "worker: no socket was passed: run it under a supervisor\n");
		return 1;
	}
	int length = snprintf(text, sizeof text, "%s %ld\n", generation, (long)getpid());
	if (notify)
		say_ready(notify);
	for (;;) {
		int client = accept(atoi(fd + 1), NULL, NULL);
		if (client >= 0) {
			send(client, text, (size_t)length, MSG_NOSIGNAL);
			close(client);
		}
	}
}
