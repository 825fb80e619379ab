/* SPDX-License-Identifier: MIT */
/* The proof that a server runs what current leads to, which is the same for every kind of server. */
#ifndef DEWY_PROOF_H
#define DEWY_PROOF_H

#include "restart/server.h"

/* Makes the server run what current leads to, and waits until it is there, which takes --start-timeout at most, has been up for
 * --settle, and is healthy. Returns 0; or -1, with ERROR_APPLICATION saying why it is not when the release is to blame. */
int proof_renew(struct server *server, struct error *error);

/* Waits in the same way for a server that never stopped. Returns 0 or -1. */
int proof_kept(struct server *server, struct error *error);

/* Adds to the plan of a --dry-run what proof_renew would do. Returns 0 or -1. */
int proof_plan(const struct server *server, struct error *error);

#endif
