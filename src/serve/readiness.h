/* SPDX-License-Identifier: MIT */
/* The protocol of sd_notify(3), both ways: workers say READY=1 to this supervisor, and it says so to systemd. */
#ifndef DEWY_SERVE_READINESS_H
#define DEWY_SERVE_READINESS_H

#include <stdbool.h>
#include <sys/types.h>

struct error;

enum { READINESS_ADDRESS = 128, READINESS_TEXT = 4096 };

/* Opens a socket at path, in place of one that an earlier run left; where that is too long for a socket, under an abstract name
 * that no other process has, which not every program can send to. Returns its descriptor, with the value for NOTIFY_SOCKET in
 * address; or -1. */
int readiness_open(const char *path, char address[READINESS_ADDRESS], struct error *error);

/* Removes what readiness_open left on disk. */
void readiness_unlink(const char *address);

/* Reads the next message without waiting. Returns true with the process that sent it and its text, terminated. */
bool readiness_receive(int fd, pid_t *ret_sender, char text[READINESS_TEXT]);

/* True when one of the lines of text is line. */
bool readiness_says(const char *text, const char *line);

/* Sends a message to the NOTIFY_SOCKET of this process, if there is one; failures do not matter to it. */
void readiness_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
