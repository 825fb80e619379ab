/* SPDX-License-Identifier: MIT */
/* dewy-serve: the supervisor that owns the sockets. */
#ifndef DEWY_SERVE_SERVE_H
#define DEWY_SERVE_SERVE_H

/* Runs the supervisor, or tells the one that runs to restart or to stop. Returns the exit status of the process. */
int serve_main(int argc, char **argv);

#endif
