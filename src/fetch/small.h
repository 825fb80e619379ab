/* SPDX-License-Identifier: MIT */
/* Small files beside the artifact: checksum files and signatures. */
#ifndef DEWY_FETCH_SMALL_H
#define DEWY_FETCH_SMALL_H

#include "buf.h"
#include "registry/registry.h"

/* Reads the file at the URL text of the document, of limit bytes at most, and tells its name, which the caller frees. Returns 0
 * with the terminated content; 1 with the error when there is no such file, 2 when it is larger; or -1 with ERROR_DOCUMENT for a URL
 * outside of the registry, or the registry's error. */
int small_read(struct registry *registry, const char *text, size_t limit, char **ret_name, struct buf *ret_content,
	       struct error *error);

/* Returns the name of the file at the URL text, decoded; the caller frees it. NULL when text is none. */
char *small_name(const char *text);

#endif
