/* SPDX-License-Identifier: MIT */
/* A download under way: CACHE/.KEY.part, and CACHE/.KEY.part.json, which tells a later run how to go on. */
#ifndef DEWY_PART_H
#define DEWY_PART_H

#include "cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

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
	long long written, passed_on; /* how far it is written, and given to the disk */
	long long room;  /* how far there are blocks for it on the disk, 0 while nobody has asked for any */
	char *block;     /* what is still to be written, */
	size_t filled;   /* bytes of it */
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

/* Adds bytes at the end. The last ones may be kept back until part_flush, part_publish or part_close. Returns 0 or -1. */
int part_write(struct part *part, const void *bytes, size_t length, struct error *error);

/* Adds up to length bytes of the file open at fd, from its offset on, within the kernel. Returns how many; 0 at its end, and when
 * that cannot be done with these files; or -1. */
ssize_t part_copy(struct part *part, int fd, size_t length, struct error *error);

/* Writes what is kept back. Returns 0 or -1. */
int part_flush(struct part *part, struct error *error);

/* Gives the file, which is flushed, the name of its key once it is durable. Returns 0 or -1. */
int part_publish(struct part *part, struct error *error);

/* Closes the file. Unless it is published, it is removed, or left for a later run if it is to be kept and can be continued. */
void part_close(struct part *part, bool keep);

#endif
