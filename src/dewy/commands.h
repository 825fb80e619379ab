/* SPDX-License-Identifier: MIT */
/* The commands of the wrapper. Each takes the command line from its own name on and returns the exit status. */
#ifndef DEWY_COMMANDS_H
#define DEWY_COMMANDS_H

int once_main(int argc, char **argv);
int watch_main(int argc, char **argv);
int server_main(int argc, char **argv);
int assets_main(int argc, char **argv);
int rollback_main(int argc, char **argv);
int status_main(int argc, char **argv);
int history_main(int argc, char **argv);

#endif
