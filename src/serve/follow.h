/* SPDX-License-Identifier: MIT */
/* A ROOT that is moved while its supervisor runs. */
#ifndef DEWY_FOLLOW_H
#define DEWY_FOLLOW_H

struct service;

/* Finds the files of the supervisor, and the place where workers start, by the present name of ROOT, in which this process has its
 * working directory. Does nothing while ROOT has its name, when it has none any more, or when workers start elsewhere. */
void follow_root(struct service *service);

#endif
