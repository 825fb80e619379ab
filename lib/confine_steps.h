/* SPDX-License-Identifier: MIT */
/* The steps of confinement, for confine.h alone. Each returns 0 or -1, and notes in missing what could not be had. */
#ifndef DEWY_CONFINE_STEPS_H
#define DEWY_CONFINE_STEPS_H

struct confine_needs;
struct error;
struct landlock_rules;

/* What the kernel has not, in a word or two for people; NULL for what it has. */
struct confine_missing {
	const char *privileges, *landlock, *seccomp, *capabilities, *descriptors, *limits;
};

int confine_files(const struct landlock_rules *rules, struct confine_missing *missing, struct error *error);

/* Takes from this process, a child, all that the needs leave out; out is the descriptor that it answers by. */
int confine_child(const struct confine_needs *needs, int out, struct error *error);

void confine_log(const struct confine_missing *missing);

#endif
