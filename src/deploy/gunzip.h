/* SPDX-License-Identifier: MIT */
/* gzip (RFC 1952). libarchive could decompress it, too, but does not look at the checksum that ends each member, so
 * that a damaged artifact would be extracted as if it were whole.
 * And deflated data on its own (RFC 1951), as zips have it. */
#ifndef DEWY_GUNZIP_H
#define DEWY_GUNZIP_H

#include "deploy/inflate.h"
#include "deploy/source.h"

struct gunzip;

/* Decompresses from source, which must outlive it. The caller gives it to gunzip_close. */
struct gunzip *gunzip_open(struct source *source, enum inflate_form form);

void gunzip_close(struct gunzip *gunzip);

/* Returns how many bytes *ret_bytes points at until the next call, 0 at the end of the last member, or -1 with
 * ERROR_INTEGRITY when the data is damaged or ends too early. What is behind the end of deflated data is not looked at. */
ssize_t gunzip_read(struct gunzip *gunzip, const void **ret_bytes, struct error *error);

#endif
