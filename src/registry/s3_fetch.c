/* SPDX-License-Identifier: MIT */
/* Downloads: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
#include "registry/s3.h"

#include "alloc.h"
#include "error.h"
#include "str.h"

#include <stdio.h>
#include <string.h>

/* A download under way. */
struct download {
	struct registry *registry;
	const struct registry_sink *sink;
	char checksums[8][DIGEST_TEXT]; /* of the whole object, the best first */
	size_t count;
};

static void add_checksum(struct download *download, const char *header, const char *algorithm)
{
	const char *value = http_header(session_http(&download->registry->session), header, 0);

	/* Of an object that was uploaded in parts it may be one of the parts' checksums, BASE64-PARTS. */
	if (value && digest_from_base64(algorithm, value, download->checksums[download->count]) == 0)
		download->count++;
}

/* The ETag of an object that was uploaded at once is its MD5, unless it is encrypted with a key of the user's
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html). */
static void add_etag(struct download *download)
{
	struct http *http = session_http(&download->registry->session);
	const char *etag = http_header(http, "ETag", 0), *encryption = http_header(http, "x-amz-server-side-encryption", 0);

	if (!etag || strlen(etag) != 34 || strspn(etag + 1, "0123456789abcdef") != 32 ||
	    http_header(http, "x-amz-server-side-encryption-customer-algorithm", 0) ||
	    (encryption && str_starts(encryption, "aws:kms")))
		return;
	snprintf(download->checksums[download->count++], DIGEST_TEXT, "md5:%.32s", etag + 1);
}

/* Learns the checksums of the whole object from the last answer
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html). */
static void learn_checksums(struct download *download)
{
	const char *type = http_header(session_http(&download->registry->session), "x-amz-checksum-type", 0);

	download->count = 0;
	if (!str_equal(type, "COMPOSITE")) {
		add_checksum(download, "x-amz-checksum-sha512", "sha512");
		add_checksum(download, "x-amz-checksum-sha256", "sha256");
		add_checksum(download, "x-amz-checksum-sha1", "sha1");
		add_checksum(download, "x-amz-checksum-crc64nvme", "crc64nvme");
		add_checksum(download, "x-amz-checksum-crc32c", "crc32c");
		add_checksum(download, "x-amz-checksum-crc32", "crc32");
	}
	add_etag(download);
}

static int begin_download(void *context, long long offset, struct error *error)
{
	struct download *download = context;
	const char *checksums[9] = {NULL};

	if (offset == 0) /* those in an answer of 206 may be the part's */
		learn_checksums(download);
	for (size_t i = 0; i < download->count; i++)
		checksums[i] = download->checksums[i];
	struct registry_part part = {
		.offset = offset,
		.validator = http_validator(session_http(&download->registry->session)),
		.checksums = checksums,
	};
	return download->sink->begin(download->sink->context, &part, error);
}

static int write_download(void *context, const void *bytes, size_t length, struct error *error)
{
	const struct download *download = context;

	return download->sink->write(download->sink->context, bytes, length, error);
}

static const char with_checksums[] = "x-amz-checksum-mode: ENABLED";

/* Before a download goes on where an earlier run broke off, asks for the checksums of the whole. What else is wrong, the download
 * will tell. */
static void ask_checksums(struct download *download, const char *key, const char *validator)
{
	struct registry *registry = download->registry;
	struct s3_request request = {.key = key, .header = with_checksums, .http = {.method = "HEAD"}};
	AUTO_RESPONSE struct http_response response = {0};
	struct error error;

	if (s3_ask(registry, &request, &response, &error) == 0 && response.status == 200 &&
	    str_equal(http_validator(session_http(&registry->session)), validator))
		learn_checksums(download);
}

int s3_fetch(struct registry *registry, const struct url *url, const struct registry_resume *resume,
		 const struct registry_sink *sink, struct error *error)
{
	struct s3 *s3 = registry_owns(registry, url, error) ? NULL : s3_open(registry, error);

	if (!s3)
		return -1;
	const char *path = url->path + strlen(registry->url.path) + 1; /* VERSION/ARTIFACT */
	AUTO_FREE char *key = xasprintf("%s%s", s3->place.prefix, path);
	struct download download = {.registry = registry, .sink = sink};
	const struct http_sink receiver = {.begin = begin_download, .write = write_download, .context = &download};
	struct s3_request request = {
		.key = key,
		.header = with_checksums,
		.http =
			{
				.sink = &receiver,
				.offset = resume->offset,
				.validator = resume->validator,
				.large = true,
				.timeout_ms = registry->session.download_ms,
			},
	};
	AUTO_RESPONSE struct http_response response = {0};
	struct s3_deed deed = {.verb = "get", .path = path, .permission = "s3:GetObject"};

	if (resume->offset > 0)
		ask_checksums(&download, key, resume->validator);
	if (s3_ask(registry, &request, &response, error))
		return -1;
	return response.status == 200 || response.status == 206 ? 0 : s3_refuse(registry, &deed, &response, error);
}
