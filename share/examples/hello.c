/* SPDX-License-Identifier: MIT */
/* A small web server that can be deployed without losing a request: it takes its sockets from LISTEN_FDS, says READY=1 when
 * it serves, and on SIGTERM finishes what it has begun. The demonstration builds three releases of it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION "v1.0.0"
#endif

enum { FIRST_SOCKET = 3, MOST_SOCKETS = 16, PATIENCE_SECONDS = 5 };

static volatile sig_atomic_t stopping;

static void on_term(int signal)
{
	(void)signal;
	stopping = 1;
}

/* Tells the supervisor that requests are answered from now on (sd_notify(3)). */
static void say_ready(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (path && strlen(path) < sizeof address.sun_path && fd >= 0) {
		memcpy(address.sun_path, path, strlen(path));
		if (path[0] == '@')
			address.sun_path[0] = '\0';
		socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
		sendto(fd, "READY=1", 7, 0, (struct sockaddr *)&address, length);
	}
	close(fd);
}

/* Reads one request and answers it with the version of this program. */
static void answer(int client)
{
	static const char body[] = "hello from " VERSION "\n";
	struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	char request[4096], reply[sizeof body + 128];
	int length = snprintf(reply, sizeof reply,
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
		sizeof body - 1, body);

	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (read(client, request, sizeof request) > 0 && send(client, reply, (size_t)length, MSG_NOSIGNAL) > 0)
		shutdown(client, SHUT_WR);
	while (read(client, request, sizeof request) > 0)
		;
	close(client);
}

int main(void)
{
	const char *count = getenv("LISTEN_FDS");
	struct pollfd sockets[MOST_SOCKETS];
	nfds_t sockets_count = count ? (nfds_t)atoi(count) : 0;
	sigset_t term, before;

	if (strcmp(VERSION, "v3.0.0") == 0) {
		fprintf(stderr, "hello " VERSION ": cannot read config.ini\n");
		return 1;
	}
	if (sockets_count < 1 || sockets_count > MOST_SOCKETS) {
		fprintf(stderr, "hello: no sockets were passed: run it under dewy-serve --port\n");
		return 1;
	}
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_term}, NULL);
	for (nfds_t i = 0; i < sockets_count; i++)
		sockets[i] = (struct pollfd){.fd = FIRST_SOCKET + (int)i, .events = POLLIN};
	say_ready();
	while (!stopping) {
		if (ppoll(sockets, sockets_count, NULL, &before) <= 0)
			continue;
		for (nfds_t i = 0; i < sockets_count; i++) {
			int client = sockets[i].revents ? accept4(sockets[i].fd, NULL, NULL, SOCK_CLOEXEC) : -1;
			if (client >= 0)
				answer(client);
		}
	}
	return 0;
}
