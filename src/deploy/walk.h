/* SPDX-License-Identifier: MIT */
/* An archive, walked through beside a tree, within limits: two archives of the same content differ in their order only. */
#ifndef DEWY_WALK_H
#define DEWY_WALK_H

#include "deploy/extract.h"
#include "deploy/member.h"
#include "deploy/tree.h"

#include <stdbool.h>

struct reader;

struct walk {
	struct reader *reader;
	struct tree tree;
	const struct extract_limits *limits;
	struct extract_result result; /* what was counted so far */
	bool found;                   /* something that is not the root itself */
};

#define AUTO_WALK AUTO(walk_end)

/* Opens the artifact at fd, of that name, beside the directory dir. Returns 0 or -1; walk_end is called in both cases. */
int walk_begin(struct walk *walk, int fd, const char *name, int dir, const struct extract_limits *limits, struct error *error);

void walk_end(struct walk *walk);

/* Steps to the next member below the root of the tree, and counts it. Returns 1, 0 at the end, or -1. */
int walk_next(struct walk *walk, struct member *member, struct error *error);

/* Counts bytes, before they are written. Returns 0; or -1 when they are too many. */
int walk_count(struct walk *walk, long long more, struct error *error);

/* Creates a member. Returns the descriptor of a file that is to be filled, 0 for anything else, or -1. */
int walk_make(struct walk *walk, const struct member *member, struct error *error);

#endif
