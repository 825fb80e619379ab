/* SPDX-License-Identifier: MIT */
#include "deploy/form.h"

#include "alloc.h"
#include "error.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* The header block of POSIX ustar: where its checksum and its magic stand. */
enum { TAR_BLOCK = 512, TAR_CHECKSUM = 148, TAR_CHECKSUM_BYTES = 8, TAR_MAGIC = 257 };

static const char *const compressed_suffixes[] = {".gz", ".bz2", ".xz", ".zst", NULL};
static const char *const archive_suffixes[] = {".tar",     ".tgz",    ".tbz",     ".tbz2",   ".txz",      ".tzst",    ".tar.gz",
					       ".tar.bz2", ".tar.xz", ".tar.zst", ".tar.lz", ".tar.lzma", ".tar.lz4", ".tar.z",
					       ".tar.br",  ".zip",    ".7z",      ".rar",    NULL};
static const char *const run_as_they_are[] = {".jar", ".war", ".ear", ".whl", NULL};

/* Returns the suffix in the list that name ends in, whatever its case, or NULL. */
static const char *suffix_of(const char *name, const char *const *suffixes)
{
	size_t length = strlen(name);

	for (; *suffixes; suffixes++) {
		size_t end = strlen(*suffixes);
		if (length > end && strcasecmp(name + length - end, *suffixes) == 0)
			return *suffixes;
	}
	return NULL;
}

/* True when the sum of the header's bytes, its own field counted as blanks, is what the field says. Old writers added them
 * up as signed. */
static bool has_tar_checksum(const unsigned char *block)
{
	long sum = 0, signed_sum = 0, said = 0;
	const unsigned char *field = block + TAR_CHECKSUM, *end = field + TAR_CHECKSUM_BYTES;

	for (size_t i = 0; i < TAR_BLOCK; i++) {
		unsigned char byte = block + i >= field && block + i < end ? ' ' : block[i];
		sum += byte;
		signed_sum += (int8_t)byte;
	}
	while (field < end && *field == ' ')
		field++;
	for (; field < end && *field >= '0' && *field <= '7'; field++)
		said = said * 8 + (*field - '0');
	return said == sum || said == signed_sum;
}

static bool is_tar(const unsigned char *bytes, size_t length)
{
	return length >= TAR_BLOCK && (memcmp(bytes + TAR_MAGIC, "ustar", 5) == 0 || has_tar_checksum(bytes));
}

static bool is_zip(const void *bytes, size_t length)
{
	return length >= 4 && (memcmp(bytes, "PK\3\4", 4) == 0 || memcmp(bytes, "PK\5\6", 4) == 0);
}

int form_is_program(const void *bytes, size_t length)
{
	return (length >= 4 && memcmp(bytes, "\177ELF", 4) == 0) || (length >= 2 && memcmp(bytes, "#!", 2) == 0);
}

int form_recognise(const char *name, enum compression compression, const void *bytes, size_t length, enum form *ret_form,
		   struct error *error)
{
	*ret_form = FORM_FILE;
	if (!form_is_program(bytes, length) && is_tar(bytes, length))
		*ret_form = FORM_TAR;
	else if (compression == COMPRESSION_NONE && is_zip(bytes, length) && !suffix_of(name, run_as_they_are))
		*ret_form = FORM_ZIP;
	if (*ret_form != FORM_FILE)
		return 0;
	const char *promised = suffix_of(name, archive_suffixes);
	if (!promised && compression == COMPRESSION_NONE)
		promised = suffix_of(name, compressed_suffixes);
	if (!promised)
		return 0;
	error_set(error, ERROR_INTEGRITY, "the name ends in %s, but the content is no such thing", promised);
	return error_hint(error, "publish a tar (with gzip, bzip2, xz, zstd or no compression), a zip, or a bare program");
}

char *form_file_name(const char *name, enum compression compression)
{
	const char *suffix = compression == COMPRESSION_NONE ? NULL : suffix_of(name, compressed_suffixes);

	return xstrndup(name, strlen(name) - (suffix ? strlen(suffix) : 0));
}
