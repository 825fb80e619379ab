/* SPDX-License-Identifier: MIT */
/* A download under way: CACHE/.KEY.part, and CACHE/.KEY.part.json, which tells a later run how to go on. */
#ifndef DEWY_PART_H
#define DEWY_PART_H

#include "cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct error;
struct root;

struct part {
	const struct root *root; /* the caller's */
	int cache;              /* directory, the caller's */
	const char *path, *key; /* path of the directory, name of the artifact in it; both the caller's */
	const char *url;        /* of the artifact, the caller's */
	char *name, *sidecar;
	int fd;          /* open for reading and writing, and locked */
	long long bytes; /* that are there from an earlier run, and can be continued */
	char *validator; /* of what they are the beginning of, NULL when nobody can tell: then the next run begins anew */
	char *checksum;  /* of that, as the service has told it: services do not tell it with a part; NULL for none */
};

/* Opens and locks the file, which an earlier run may have left: runs for two ROOTs may share the cache. Bytes count as there only
 * when they are of the same URL and of this boot: data of an earlier one may have holes after a power cut. part holds what is the
 * caller's. Returns 0, or -1 with ERROR_LOCKED while another run downloads the same artifact, or another error; the caller
 * gives part to part_close in both cases. */
int part_open(struct part *part, struct error *error);

/* Goes on behind the first offset bytes and forgets the rest. validator and checksum may be NULL. Returns 0 or -1. */
int part_begin(struct part *part, long long offset, const char *validator, const char *checksum, struct error *error);

int part_write(struct part *part, const void *bytes, size_t length, struct error *error);

/* Gives the file, made durable, the name of its key. Returns 0 or -1. */
int part_publish(struct part *part, struct error *error);

/* Closes the file. Unless it is published, it is removed, or left for a later run if it is to be kept and can be continued. */
void part_close(struct part *part, bool keep);

#endif
