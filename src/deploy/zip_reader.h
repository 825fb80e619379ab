/* SPDX-License-Identifier: MIT */
/* The members of a zip, as its central directory has them. */
#ifndef DEWY_ZIP_READER_H
#define DEWY_ZIP_READER_H

#include "buf.h"
#include "deploy/zip_content.h"
#include "deploy/zip_directory.h"

struct error;
struct member;

struct zip_reader {
	struct zip_directory directory;
	struct zip_record record;   /* of the member */
	struct zip_content content; /* of links, whose data is where they lead to */
	struct buf name, path, target;
};

/* Opens the zip in source, which must outlive it. Returns 0; or -1 with ERROR_INTEGRITY when its directory is damaged. The caller
 * gives it to zip_reader_close in both cases. */
int zip_reader_open(struct zip_reader *reader, const struct source *source, struct error *error);

void zip_reader_close(struct zip_reader *reader);

/* As reader_next. The data of a file is that of reader->record. */
int zip_reader_next(struct zip_reader *reader, struct member *ret_member, struct error *error);

#endif
