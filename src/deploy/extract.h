/* SPDX-License-Identifier: MIT */
/* Extraction of an archive into an empty directory, refusing all that could reach outside of it. */
#ifndef DEWY_EXTRACT_H
#define DEWY_EXTRACT_H

struct error;

struct extract_limits {
	long long entries; /* most entries */
	long long bytes;   /* most bytes of all files together */
	long long ratio;   /* most times the size of the archive, once past 64 MiB */
};

struct extract_result {
	long long entries;
	long long bytes;
};

/* Extracts the archive open at fd, recognised by content, into the empty directory dir. tar with gzip, bzip2, xz, zstd or no
 * compression, and zip; anything else is one file that becomes dir/name, executable. Permissions are kept but for setuid,
 * setgid and sticky; ownership is not. Returns 0; or -1 with ERROR_INTEGRITY for an archive that is damaged or refused, or
 * ERROR_FILESYSTEM, ERROR_SPACE. Nothing is durable until the caller syncs. */
int extract_archive(int fd, const char *name, int dir, const struct extract_limits *limits, struct extract_result *ret,
		    struct error *error);

/* Compares the directory with the archive. Returns 1 when every entry is there, of its type and (files) size; 0 when one is
 * not; -1 when the archive cannot be read. */
int extract_compare(int fd, const char *name, int dir, const struct extract_limits *limits, struct error *error);

#endif
