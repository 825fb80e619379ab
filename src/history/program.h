/* SPDX-License-Identifier: MIT */
/* What takes the digests of the history: the program that dewy leaves it to. */
#ifndef DEWY_HISTORY_PROGRAM_H
#define DEWY_HISTORY_PROGRAM_H

/* dewy-history append reads a line, or an array of lines, from standard input and appends them to the history; otherwise its
 * options are those of dewy history --verify. Returns the exit status. */
int history_program(int argc, char **argv);

#endif
