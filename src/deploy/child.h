/* SPDX-License-Identifier: MIT */
/* Extraction in a child process that can do nothing but fill its directory (confine.h): libarchive and the decompressors read what
 * strangers wrote. */
#ifndef DEWY_CHILD_H
#define DEWY_CHILD_H

#include "deploy/extract.h"

struct confine_meanwhile;

/* As extract_archive, in a child, for at most timeout_ms milliseconds; also ERROR_INTEGRITY when the child crashes, needs too
 * much memory, or does not end. What is done meanwhile may fail it, too. */
int extract_in_child(int fd, const char *name, int dir, const struct extract_limits *limits, long long timeout_ms,
		     const struct confine_meanwhile *meanwhile, struct extract_result *ret, struct error *error);

/* As extract_compare, in a child that cannot write at all. */
int compare_in_child(int fd, const char *name, int dir, const struct extract_limits *limits, long long timeout_ms,
		     const struct confine_meanwhile *meanwhile, struct error *error);

#endif
