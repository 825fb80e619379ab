/* SPDX-License-Identifier: MIT */
/* What an artifact is: by its content, and for the little that content cannot tell, by its name. */
#ifndef DEWY_FORM_H
#define DEWY_FORM_H

#include "deploy/stream.h"

#include <stddef.h>

enum form {
	FORM_FILE, /* one file */
	FORM_TAR,
	FORM_ZIP,
};

/* Tells the form from the first length bytes of the decompressed content. Java archives and wheels are files, though they
 * are zip inside: they are run as they are. Returns 0; or -1 with ERROR_INTEGRITY when the name promises an archive, or a
 * compressed file, and the content is none. */
int form_recognise(const char *name, enum compression compression, const void *bytes, size_t length, enum form *ret_form,
		   struct error *error);

/* Returns 1 when the bytes begin a program that the kernel can execute: ELF, or "#!". */
int form_is_program(const void *bytes, size_t length);

/* Returns name, without .gz, .bz2, .xz or .zst when the content was compressed. The caller frees it. */
char *form_file_name(const char *name, enum compression compression);

#endif
