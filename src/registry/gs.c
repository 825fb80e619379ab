/* SPDX-License-Identifier: MIT */
/* gs://BUCKET/PREFIX: the objects PREFIX/VERSION/ARTIFACT in Google Cloud Storage, by its JSON API
 * (https://cloud.google.com/storage/docs/json_api/v1/objects). */
#include "registry/gs.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "log.h"
#include "str.h"
#include "time.h"

#include <string.h>

enum {
	PAGE_LIMIT = 4 << 20, /* bytes of a page of 1,000 names */
	MOST_PAGES = 10000,   /* of one list: an end for a service that always says that there is more */
	ANSWER = 1 << 20,     /* bytes of what an upload is answered with */
};

static const char read_scope[] = "https://www.googleapis.com/auth/devstorage.read_only";
static const char write_scope[] = "https://www.googleapis.com/auth/devstorage.read_write";

static const struct gs_permission may_list = {"storage.objects.list", "roles/storage.objectViewer"};
static const struct gs_permission may_get = {"storage.objects.get", "roles/storage.objectViewer"};
static const struct gs_permission may_create = {"storage.objects.create", "roles/storage.objectCreator"};

/* What is kept between two calls. */
struct own {
	struct google_credential credential;
	const char *scope; /* that it is for */
};

/* https://cloud.google.com/storage/docs/buckets#naming */
static bool is_bucket_name(const char *name)
{
	static const char ends[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t length = strlen(name), most = strchr(name, '.') ? 222 : 63;

	return length >= 3 && length <= most && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == length &&
	       strchr(ends, name[0]) && strchr(ends, name[length - 1]);
}

static int check_endpoint(const struct registry *registry, struct error *error)
{
	const char *endpoint = url_parameter(&registry->url, "endpoint");
	AUTO_FREE char *host = endpoint ? url_host(endpoint) : NULL;

	if (!endpoint || (*host && (str_starts(endpoint, "https://") || str_starts(endpoint, "http://")) && !strpbrk(endpoint, "?#")))
		return 0;
	error_set(error, ERROR_CONFIG, "endpoint=%s: expected the URL of a service", endpoint);
	return error_hint(error, "write endpoint=https://HOST, or leave it out for https://storage.googleapis.com");
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
		return error_hint(error, "write gs://BUCKET/PREFIX; a bucket has 3 to 63 small letters, digits, -, _ and ., and begins and "
					 "ends with a letter or a digit");
	}
	if (url_boolean(&registry->url, "anonymous", &anonymous, error))
		return -1;
	return check_endpoint(registry, error);
}

/* Returns STORAGE_EMULATOR_HOST when it counts, else NULL: an endpoint in the URL goes before it. */
static const char *emulator(const struct registry *registry)
{
	const char *host = getenv("STORAGE_EMULATOR_HOST");

	return host && *host && !url_parameter(&registry->url, "endpoint") ? host : NULL;
}

/* Begins a URL of the service. */
static void add_base(struct buf *url, const struct registry *registry)
{
	const char *endpoint = url_parameter(&registry->url, "endpoint"), *host = emulator(registry);

	if (host && !strstr(host, "://"))
		buf_puts(url, "http://");
	buf_puts(url, endpoint ? endpoint : host ? host : "https://storage.googleapis.com");
	while (url->data[url->length - 1] == '/')
		url->data[--url->length] = '\0';
}

/* Begins the URL of the objects of the bucket, below the base and what path says. */
static void add_objects(struct buf *url, const struct registry *registry, const char *path)
{
	add_base(url, registry);
	buf_printf(url, "%s/storage/v1/b/%s/o", path, registry->url.authority);
}

static bool is_anonymous(const struct registry *registry)
{
	struct error error;
	bool anonymous;

	return emulator(registry) || (url_boolean(&registry->url, "anonymous", &anonymous, &error) == 0 && anonymous);
}

/* Returns the credential for that scope, which belongs to the registry; NULL with the error when there is none. */
static const struct google_credential *authorize(struct registry *registry, const char *scope, struct error *error)
{
	struct own *own = registry->own;

	if (!own)
		own = registry->own = xcalloc(1, sizeof *own);
	if (own->scope != scope && !is_anonymous(registry)) {
		google_credential_free(&own->credential);
		own->scope = NULL;
		if (google_credential_find(&registry->session, scope, &own->credential, error))
			return NULL;
	}
	own->scope = scope;
	return &own->credential;
}

/* Makes the request with the credential for that scope, and one more header unless it is NULL. */
static int ask_once(struct registry *registry, const char *scope, struct http_request request, const char *header,
		    struct http_response *ret, struct error *error)
{
	const struct google_credential *credential = authorize(registry, scope, error);
	const char *headers[4] = {0};
	size_t count = 0;

	*ret = (struct http_response){0};
	if (!credential)
		return -1;
	if (header)
		headers[count++] = header;
	if (credential->authorization)
		headers[count++] = credential->authorization;
	if (credential->user_project)
		headers[count++] = credential->user_project;
	request.headers = headers;
	return session_ask(&registry->session, &request, credential->identity, ret, error);
}

/* As ask_once, and once more with a new token when one that an earlier run kept is refused: it may have been revoked since. */
static int ask(struct registry *registry, const char *scope, const struct http_request *request, const char *header,
	       struct http_response *ret, struct error *error)
{
	int result = ask_once(registry, scope, *request, header, ret, error);
	struct own *own = registry->own;

	if (result || ret->status != 401 || !own->credential.kept_as)
		return result;
	google_credential_forget(&registry->session, &own->credential);
	own->scope = NULL;
	http_response_free(ret);
	return ask_once(registry, scope, *request, header, ret, error);
}

static int refuse(const struct registry *registry, const struct http_response *response, const struct gs_permission *permission,
		  struct error *error)
{
	const struct own *own = registry->own;
	AUTO_BUF struct buf base = {0};

	add_base(&base, registry);
	AUTO_FREE char *host = url_host(base.data);
	const struct gs_refusal refusal = {
		.host = host,
		.bucket = registry->url.authority,
		.account = own->credential.account,
		.permission = permission,
	};
	return gs_refuse(&refusal, response, error);
}

/* Appends what the names of all objects of the registry begin with, and of one version unless it is NULL. */
static void add_prefix(struct buf *prefix, const struct registry *registry, const char *version)
{
	buf_puts(prefix, "");
	if (*registry->url.path)
		buf_printf(prefix, "%s/", registry->url.path + 1);
	if (version)
		buf_printf(prefix, "%s/", version);
}

/* A list that is read page by page. */
struct listing {
	struct registry *registry;
	struct buf prefix;  /* of the names */
	const char *fields; /* of the answer, besides the token of the next page */
	int (*visit)(const struct listing *listing, const cJSON *page, struct error *error);
	void *context; /* of visit */
};

/* Returns the page with that token, NULL for the first one, which the caller deletes; or NULL. */
static cJSON *read_page(const struct listing *listing, const char *token, struct error *error)
{
	AUTO_BUF struct buf url = {0};
	AUTO_RESPONSE struct http_response response = {0};

	add_objects(&url, listing->registry, "");
	buf_puts(&url, "?delimiter=%2F&fields=");
	url_add_encoded(&url, listing->fields, "");
	buf_puts(&url, "%2CnextPageToken&maxResults=1000&prefix=");
	url_add_encoded(&url, buf_text(&listing->prefix), "");
	if (token) {
		buf_puts(&url, "&pageToken=");
		url_add_encoded(&url, token, "");
	}
	struct http_request request = {.url = url.data, .limit = PAGE_LIMIT};
	if (ask(listing->registry, read_scope, &request, NULL, &response, error))
		return NULL;
	if (response.status != 200) {
		refuse(listing->registry, &response, &may_list, error);
		return NULL;
	}
	cJSON *page = json_parse(buf_text(&response.body), response.body.length, error);
	if (cJSON_IsObject(page))
		return page;
	cJSON_Delete(page);
	error_set(error, ERROR_REGISTRY, "gs://%s: the service answers with what is no list of objects",
		  listing->registry->url.authority);
	error_hint(error, "look for a proxy or an endpoint that is not Google Cloud Storage");
	return NULL;
}

/* Gives page after page to visit. A page may be empty and still have another one behind it. */
static int read_pages(const struct listing *listing, struct error *error)
{
	AUTO_FREE char *token = NULL;

	for (int pages = 0; pages < MOST_PAGES; pages++) {
		AUTO_JSON cJSON *page = read_page(listing, token, error);
		if (!page || listing->visit(listing, page, error))
			return -1;
		const char *next = json_string(page, "nextPageToken");
		if (!next || !*next)
			return 0;
		if (str_equal(next, token))
			break;
		free(token);
		token = xstrdup(next);
	}
	return error_set(error, ERROR_REGISTRY, "gs://%s: the list of objects has no end", listing->registry->url.authority);
}

/* What list was given. */
struct visitor {
	int (*visit)(const struct release *release, void *context, struct error *error);
	void *context;
};

static int visit_versions(const struct listing *listing, const cJSON *page, struct error *error)
{
	const struct visitor *visitor = listing->context;
	const cJSON *item;

	cJSON_ArrayForEach(item, json_get(page, "prefixes"))
	{
		const char *name = cJSON_GetStringValue(item);
		if (!name || !str_starts(name, buf_text(&listing->prefix)))
			continue;
		name += listing->prefix.length;
		AUTO_FREE char *version = xstrndup(name, strcspn(name, "/"));
		if (str_is_file_name(version) && visitor->visit(&(struct release){.version = version}, visitor->context, error))
			return -1;
	}
	return 0;
}

static int list(struct registry *registry, int (*visit)(const struct release *release, void *context, struct error *error),
		void *context, struct error *error)
{
	AUTO_BUF struct buf prefix = {0};

	add_prefix(&prefix, registry, NULL);
	return read_pages(&(struct listing){registry, prefix, "prefixes", visit_versions, &(struct visitor){visit, context}}, error);
}

/* What artifacts fills in. */
struct gathering {
	struct release *release;
	struct artifact_list *list;
};

static char *artifact_url(const struct registry *registry, const char *object)
{
	AUTO_BUF struct buf url = {0};

	buf_printf(&url, "gs://%s/", registry->url.authority);
	url_add_encoded(&url, object, "/");
	return buf_steal(&url);
}

static long long size_of(const cJSON *item)
{
	const char *text = json_string(item, "size"); /* a number of 64 bits, which JSON's numbers do not hold */
	long long size;

	return text && str_to_number(text, &size) == 0 ? size : -1;
}

/* A version was published with the oldest of its objects, also one that only makes it look like a directory. */
static void note_time(struct release *release, const cJSON *item)
{
	const char *created = json_string(item, "timeCreated");
	time_t when;

	if (created && time_parse(created, &when) == 0 && (!release->published_at || when < release->published_at))
		release->published_at = when;
}

static int gather_artifacts(const struct listing *listing, const cJSON *page, struct error *error)
{
	const struct gathering *gathering = listing->context;
	const cJSON *item;

	(void)error;
	cJSON_ArrayForEach(item, json_get(page, "items"))
	{
		const char *object = json_string(item, "name");
		if (!object || !str_starts(object, buf_text(&listing->prefix)))
			continue;
		note_time(gathering->release, item);
		AUTO_FREE char *name = xstrdup(object + listing->prefix.length), *url = artifact_url(listing->registry, object);
		if (str_is_file_name(name))
			artifact_list_add(gathering->list, &(struct artifact){.name = name, .url = url, .size = size_of(item)});
	}
	return 0;
}

static int artifacts(struct registry *registry, struct release *release, struct artifact_list *ret_list, struct error *error)
{
	AUTO_BUF struct buf prefix = {0};
	struct gathering gathering = {release, ret_list};

	add_prefix(&prefix, registry, release->version);
	return read_pages(&(struct listing){registry, prefix, "items(name,size,timeCreated)", gather_artifacts, &gathering}, error);
}

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

	for (size_t i = 0; (hash = http_header(http, "x-goog-hash", i)); i++)
		for (; *hash; hash += strcspn(hash, ", "), hash += strspn(hash, ", ")) {
			if (!str_starts(hash, algorithm) || hash[length] != '=')
				continue;
			AUTO_FREE char *base64 = xstrndup(hash + length + 1, strcspn(hash + length + 1, ", "));
			return digest_from_base64(algorithm, base64, text) == 0;
		}
	return false;
}

static int begin(void *context, long long offset, struct error *error)
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

static int receive(void *context, const void *bytes, size_t length, struct error *error)
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
	add_objects(&media, registry, "");
	buf_puts(&media, "/");
	url_add_encoded(&media, url->path + 1, ""); /* its slashes, too: a name is one segment */
	buf_puts(&media, "?alt=media");
	struct http_request request = {
		.url = media.data,
		.sink = &(struct http_sink){begin, receive, &download},
		.offset = resume->offset,
		.validator = resume->validator,
		.timeout_ms = registry->session.download_ms,
	};
	if (ask(registry, read_scope, &request, as_stored, &response, error))
		return -1;
	if (response.status == 200 || response.status == 206)
		return 0;
	refuse(registry, &response, &may_get, error);
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

	add_prefix(&object, registry, version);
	buf_puts(&object, name);
	/* No object of that name may be there: else a retry would have to replace what its first attempt has left, which needs more
	 * than the permission to create. */
	add_objects(&url, registry, "/upload");
	buf_puts(&url, "?ifGenerationMatch=0&name=");
	url_add_encoded(&url, object.data, "");
	buf_puts(&url, "&uploadType=media");
	struct http_request request = {
		.method = "POST",
		.url = url.data,
		.body = text,
		.body_length = strlen(text),
		.limit = ANSWER,
	};
	if (ask(registry, write_scope, &request, "Content-Type: text/plain; charset=utf-8", &response, error))
		return -1;
	if (response.status == 200 || response.status == 412)
		return 0;
	refuse(registry, &response, &may_create, error);
	if (!is_read_only(&response))
		return -1;
	log_debug("Audit record refused", "error", error->message, "hint", error->hint);
	return 1;
}

static void end(struct registry *registry)
{
	struct own *own = registry->own;

	if (own)
		google_credential_free(&own->credential);
	free(own);
}

static const char *const parameters[] = {"endpoint", "anonymous", NULL};

const struct registry_ops gs_registry = {
	.scheme = "gs",
	.parameters = parameters,
	.check = check,
	.list = list,
	.artifacts = artifacts,
	.fetch = fetch,
	.report = report,
	.close = end,
};
