/* SPDX-License-Identifier: MIT */
/* The central directory of a zip (APPNOTE.TXT 4.3.12), read in pieces, so that memory does not grow with it. Only of one that is
 * not in the order of the file, eight bytes are kept for each member. */
#ifndef DEWY_ZIP_DIRECTORY_H
#define DEWY_ZIP_DIRECTORY_H

#include "deploy/source.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct error;

/* A member, as the directory has it. */
struct zip_record {
	unsigned system; /* that it was made on: 0 is MS-DOS, 3 is Unix (4.4.2.2) */
	unsigned flags, method;
	uint32_t crc, attributes;
	long long packed, size;  /* bytes of its data, compressed and not */
	long long offset, limit; /* in the file: of its local header, and of what comes next, where its data ends at the latest */
	time_t mtime;
	const char *name; /* as it is in the file, neither terminated nor judged; it and unicode live until the next record */
	size_t name_length;
	const char *unicode; /* the name in UTF-8, when the archive has that beside it, else NULL */
	size_t unicode_length;
};

struct zip_directory {
	struct source source;
	long long begin;    /* of it in the file */
	long long entries;  /* that the end record counts */
	long long shift;    /* what is before the archive in the file */
	long long position; /* of the next record in the directory */
	long long window;   /* where what is in memory of the directory begins */
	long long *offsets; /* of all members, sorted, when the directory is not in their order, else NULL */
	bool only_common;   /* all members are stored or deflated */
};

/* Reads the whole directory once. Returns 0; or -1 with ERROR_INTEGRITY when it is damaged, contradicts the end records, or two
 * members begin at the same place. The caller gives it to zip_directory_close in both cases; whole must outlive it. */
int zip_directory_open(struct zip_directory *directory, const struct source *whole, struct error *error);

void zip_directory_close(struct zip_directory *directory);

/* Reads the next record. Returns 1, 0 at the end, or -1. */
int zip_directory_next(struct zip_directory *directory, struct zip_record *ret, struct error *error);

#endif
