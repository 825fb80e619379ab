/* SPDX-License-Identifier: MIT */
/* The program dewy-sweep, which dewy runs once a deployment is over: it removes what retention has let go of. Its options are those
 * of dewy-deploy, from the environment. */
#ifndef DEWY_SWEEP_H
#define DEWY_SWEEP_H

/* Returns the exit status of the process: 0 also when something could not be removed, which was said then. */
int sweep_program(int argc, char **argv);

#endif
