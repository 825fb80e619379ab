/* SPDX-License-Identifier: MIT */
#include "deploy/feed.h"

#include "alloc.h"
#include "cleanup.h"
#include "deploy/unpack.h"
#include "path.h"

#include <archive.h>
#include <errno.h>

static la_ssize_t on_read(struct archive *archive, void *context, const void **ret_bytes)
{
	struct feed *feed = context;
	ssize_t got = feed->read(feed->context, ret_bytes, &feed->error);

	if (got < 0)
		archive_set_error(archive, EIO, "%s", feed->error.message);
	feed->ended = got == 0;
	return got;
}

/* Skips, but never over the end: what is missing there must be noticed by reading. */
static la_int64_t on_skip(struct archive *archive, void *context, la_int64_t request)
{
	struct source *source = ((struct feed *)context)->source;
	long long left = source->size - source->offset;
	long long skipped = left < 0 ? 0 : request < left ? request : left;

	(void)archive;
	source->offset += skipped;
	return skipped;
}

/* libarchive converts names to the character set of the locale; this makes that UTF-8, whatever dewy runs in. */
static locale_t utf8;

void feed_prepare(void)
{
	if (!utf8)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static void use_utf8(struct feed *feed)
{
	feed_prepare();
	if (utf8)
		feed->outer_locale = uselocale(utf8);
}

int feed_open(struct feed *feed, struct error *error)
{
	feed->archive = xrequire(archive_read_new());
	use_utf8(feed);
	if (archive_read_support_format_tar(feed->archive) != ARCHIVE_OK) {
		error_set(error, ERROR_INTERNAL, "libarchive was built without support for tar");
		return error_hint(error, "publish the artifact as .zip");
	}
	archive_read_set_read_callback(feed->archive, on_read);
	if (feed->source)
		archive_read_set_skip_callback(feed->archive, on_skip);
	archive_read_set_callback_data(feed->archive, feed);
	return archive_read_open1(feed->archive) == ARCHIVE_OK ? 0 : feed_failed(feed, error);
}

void feed_close(struct feed *feed)
{
	if (feed->archive)
		archive_read_free(feed->archive);
	if (feed->outer_locale)
		uselocale(feed->outer_locale);
	*feed = (struct feed){0};
}

int feed_failed(const struct feed *feed, struct error *error)
{
	const char *text = archive_error_string(feed->archive);

	if (feed->error.code) {
		*error = feed->error;
		return -1;
	}
	if (archive_errno(feed->archive) == ENOMEM)
		return unpack_too_large(error);
	AUTO_FREE char *label = path_label(text ? text : "it cannot be read");
	return error_set(error, ERROR_INTEGRITY, "the archive is damaged: %s", label);
}
