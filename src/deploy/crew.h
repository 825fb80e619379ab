/* SPDX-License-Identifier: MIT */
/* A few threads that extract the members of a zip, which do not depend on each other. */
#ifndef DEWY_CREW_H
#define DEWY_CREW_H

struct error;
struct walk;

/* Extracts all members of walk, whose artifact is a zip. All is created and counted in the order of the archive, by one thread at a
 * time, so that what is refused, and why, does not depend on how many threads there are: as many as processors, two at most,
 * and none but the caller when none can be started. Returns 0; or -1 with the error of the first member that failed. */
int crew_extract(struct walk *walk, struct error *error);

#endif
