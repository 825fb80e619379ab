/* SPDX-License-Identifier: MIT */
/* gs://BUCKET/PREFIX: the objects PREFIX/VERSION/ARTIFACT in Google Cloud Storage, by its JSON API
 * (https://cloud.google.com/storage/docs/json_api/v1/objects). */
#include "registry/gs.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "log.h"
#include "proc.h"
#include "str.h"

#include <string.h>

enum {
	ANSWER_LIMIT = 1 << 20, /* bytes of what an upload is answered with */
	MOST_HASHES = 16,       /* headers: libcurl counts them from the first one each time */
};

const char gs_read_scope[] = "https://www.googleapis.com/auth/devstorage.read_only";
const char gs_write_scope[] = "https://www.googleapis.com/auth/devstorage.read_write";

static const struct gs_permission may_get = {"storage.objects.get", "roles/storage.objectViewer"};
static const struct gs_permission may_create = {"storage.objects.create", "roles/storage.objectCreator"};

/* https://cloud.google.com/storage/docs/buckets#naming */
static bool is_bucket_name(const char *name)
{
	static const char ends[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t length = strlen(name), most = strchr(name, '.') ? 222 : 63;

	return length >= 3 && length <= most && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == length &&
	       strchr(ends, name[0]) && strchr(ends, name[length - 1]);
}

/* Checks the URL in the endpoint parameter or in STORAGE_EMULATOR_HOST. */
static int check_service(const struct registry *registry, struct error *error)
{
	const char *endpoint = url_parameter(&registry->url, "endpoint");
	AUTO_BUF struct buf base = {0};

	gs_add_base(&base, registry);
	AUTO_FREE char *host = url_host(base.data);
	if (*host && (str_starts(base.data, "https://") || str_starts(base.data, "http://")) && !strpbrk(base.data, "?#@"))
		return 0;
	AUTO_FREE char *public = url_public(endpoint ? endpoint : proc_variable("STORAGE_EMULATOR_HOST"));
	error_set(error, ERROR_CONFIG, "%s is %s: expected the URL of a service, without user and parameters",
		  endpoint ? "endpoint" : "STORAGE_EMULATOR_HOST", public);
	return error_hint(error, "write endpoint=https://HOST or STORAGE_EMULATOR_HOST=HOST:PORT, or neither of them for "
				 "https://storage.googleapis.com");
}

static int check(const struct registry *registry, struct error *error)
{
	bool anonymous;

	if (!*registry->url.authority) {
		error_set(error, ERROR_CONFIG, "it names no bucket");
		return error_hint(error, "write gs://BUCKET or gs://BUCKET/PREFIX");
	}
	if (!is_bucket_name(registry->url.authority)) {
		error_set(error, ERROR_CONFIG, "%s is no name of a bucket", registry->url.authority);
		return error_hint(error, "write gs://BUCKET/PREFIX; a bucket has 3 to 63 small letters, digits, -, _ and ., and "
					 "begins and ends with a letter or a digit");
	}
	if (url_boolean(&registry->url, "anonymous", &anonymous, error))
		return -1;
	return check_service(registry, error);
}

/* A download under way. */
struct download {
	struct registry *registry;
	const struct registry_sink *sink;
};

/* Writes the digest by that algorithm among the headers "x-goog-hash: crc32c=BASE64,md5=BASE64", of which there may be several
 * (https://cloud.google.com/storage/docs/xml-api/reference-headers#xgooghash). Returns false when there is none. */
static bool find_hash(struct http *http, const char *algorithm, char text[DIGEST_TEXT])
{
	size_t length = strlen(algorithm);
	const char *hash;

	for (size_t i = 0; i < MOST_HASHES && (hash = http_header(http, "x-goog-hash", i)); i++)
		for (; *hash; hash += strcspn(hash, ", "), hash += strspn(hash, ", ")) {
			if (!str_starts(hash, algorithm) || hash[length] != '=')
				continue;
			AUTO_FREE char *base64 = xstrndup(hash + length + 1, strcspn(hash + length + 1, ", "));
			return digest_from_base64(algorithm, base64, text) == 0;
		}
	return false;
}

static int begin_download(void *context, long long offset, struct error *error)
{
	static const char *const algorithms[] = {"md5", "crc32c"}; /* composed objects have no MD5 */
	const struct download *download = context;
	struct http *http = session_http(&download->registry->session);
	char hashes[2][DIGEST_TEXT];
	const char *checksums[3] = {0};
	size_t count = 0;

	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
		if (find_hash(http, algorithms[i], hashes[i]))
			checksums[count++] = hashes[i];
	struct registry_part part = {.offset = offset, .validator = http_validator(http), .checksums = checksums};
	return download->sink->begin(download->sink->context, &part, error);
}

static int write_download(void *context, const void *bytes, size_t length, struct error *error)
{
	const struct download *download = context;

	return download->sink->write(download->sink->context, bytes, length, error);
}

/* Size, hashes and ranges are those of the bytes that are stored. Of an object with Content-Encoding: gzip the service gives those
 * only to who accepts gzip, and unpacks it for others, without a size and a range
 * (https://cloud.google.com/storage/docs/transcoding). libcurl unpacks nothing that it was not told to. */
static const char as_stored[] = "Accept-Encoding: gzip";

static int fetch(struct registry *registry, const struct url *url, const struct registry_resume *resume,
		 const struct registry_sink *sink, struct error *error)
{
	struct download download = {registry, sink};
	AUTO_BUF struct buf media = {0};
	AUTO_RESPONSE struct http_response response = {0};

	if (registry_owns(registry, url, error))
		return -1;
	gs_add_objects(&media, registry, "");
	buf_puts(&media, "/");
	url_add_encoded(&media, url->path + 1, ""); /* its slashes, too: a name is one segment */
	buf_puts(&media, "?alt=media");
	struct http_request request = {
		.url = media.data,
		.sink = &(struct http_sink){begin_download, write_download, &download},
		.offset = resume->offset,
		.validator = resume->validator,
		.large = true,
		.timeout_ms = registry->session.download_ms,
	};
	if (gs_ask(registry, gs_read_scope, &request, as_stored, &response, error))
		return -1;
	if (response.status == 200 || response.status == 206)
		return 0;
	gs_refuse(registry, &response, &may_get, error);
	if (response.status == 404) {
		error->code = ERROR_NOT_FOUND;
		error_hint(error, "it was deleted since dewy-check has seen it: run dewy-check again");
	}
	return -1;
}

/* True when the answer means that this machine may only read there. */
static bool is_read_only(const struct http_response *response)
{
	switch (response->status) {
	case 401:
	case 404:
		return true;
	case 403:
		return !strstr(buf_text(&response->body), "imitExceeded"); /* rateLimitExceeded and its like pass */
	default:
		return false;
	}
}

static int report(struct registry *registry, const char *version, const char *name, const char *text, struct error *error)
{
	AUTO_BUF struct buf url = {0}, object = {0};
	AUTO_RESPONSE struct http_response response = {0};

	gs_add_prefix(&object, registry, version);
	buf_puts(&object, name);
	/* No object of that name may be there: else a retry would have to replace what its first attempt has left, which needs more
	 * than the permission to create. */
	gs_add_objects(&url, registry, "/upload");
	buf_puts(&url, "?ifGenerationMatch=0&name=");
	url_add_encoded(&url, object.data, "");
	buf_puts(&url, "&uploadType=media");
	struct http_request request = {
		.method = "POST",
		.url = url.data,
		.body = text,
		.body_length = strlen(text),
		.limit = ANSWER_LIMIT,
	};
	if (gs_ask(registry, gs_write_scope, &request, "Content-Type: text/plain; charset=utf-8", &response, error))
		return -1;
	if (response.status == 200 || response.status == 412)
		return 0;
	gs_refuse(registry, &response, &may_create, error);
	if (!is_read_only(&response))
		return -1;
	log_debug("Audit record refused", "error", error->message, "hint", error->hint);
	return 1;
}

static const char *const parameters[] = {"endpoint", "anonymous", NULL};

const struct registry_ops gs_registry = {
	.scheme = "gs",
	.parameters = parameters,
	.check = check,
	.list = gs_list,
	.artifacts = gs_artifacts,
	.fetch = fetch,
	.report = report,
	.close = gs_close,
};
