/* SPDX-License-Identifier: MIT */
/* Listings: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
#include "registry/s3.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "str.h"
#include "url.h"
#include "xml.h"

#include <string.h>

enum { PAGE_LIMIT = 8 << 20 }; /* bytes of an answer: 1000 keys of 1024 bytes, each encoded as three, and what is around them */

/* The sorted parameters of a listing by versions, and of one of all objects: to read more than that many takes longer than to make
 * another request. */
static const char by_version[] = "delimiter=%2F&encoding-type=url&list-type=2&max-keys=1000";
static const char of_all[] = "encoding-type=url&list-type=2&max-keys=100";

/* What is asked for. */
struct question {
	const char *parameters;
	const char *path;  /* below the registry */
	const char *token; /* of the page, NULL for the first one */
};

/* A page while it arrives. */
struct listing {
	struct s3_page *page;
	struct s3_entry entry; /* the one under way */
	long long size;        /* its bytes, -1 when unknown */
	struct xml *xml;
	bool encoded;   /* names are percent-encoded */
	bool truncated; /* there is another page */
	bool listed;    /* it is a listing at all */
};

static void free_entry(struct s3_entry *entry)
{
	free(entry->name);
	free(entry->last_modified);
	free(entry->etag);
	*entry = (struct s3_entry){0};
}

void s3_page_free(struct s3_page *page)
{
	for (size_t i = 0; i < page->count; i++)
		free_entry(&page->entries[i]);
	free(page->entries);
	free(page->token);
	*page = (struct s3_page){0};
}

static void add_entry(struct listing *listing, long long size)
{
	struct s3_page *page = listing->page;

	if (!listing->entry.name)
		return;
	if ((page->count & (page->count - 1)) == 0) /* a power of two: full */
		page->entries = xreallocarray(page->entries, page->count ? page->count * 2 : 1, sizeof *page->entries);
	page->entries[page->count] = listing->entry;
	page->entries[page->count++].size = size;
	listing->entry = (struct s3_entry){0};
	listing->size = -1;
}

static void replace(char **text, const char *by)
{
	free(*text);
	*text = xstrdup(by);
}

static void take_element(void *context, const char *path, const char *text)
{
	struct listing *listing = context;
	const char *name = path + strlen("ListBucketResult");

	if (!str_starts(path, "ListBucketResult"))
		return;
	if (!*name)
		listing->listed = true;
	else if (str_equal(name, "/CommonPrefixes/Prefix") || str_equal(name, "/Contents/Key"))
		replace(&listing->entry.name, text);
	else if (str_equal(name, "/Contents/LastModified"))
		replace(&listing->entry.last_modified, text);
	else if (str_equal(name, "/Contents/ETag"))
		replace(&listing->entry.etag, text);
	else if (str_equal(name, "/Contents/Size") && str_to_number(text, &listing->size))
		listing->size = -1;
	else if (str_equal(name, "/Contents"))
		add_entry(listing, listing->size);
	else if (str_equal(name, "/CommonPrefixes"))
		add_entry(listing, -1);
	else if (str_equal(name, "/EncodingType"))
		listing->encoded = str_equal(text, "url");
	else if (str_equal(name, "/IsTruncated"))
		listing->truncated = str_equal(text, "true");
	else if (str_equal(name, "/NextContinuationToken"))
		replace(&listing->page->token, text);
}

static int begin_page(void *context, long long offset, struct error *error)
{
	struct listing *listing = context;

	if (offset > 0) /* no listing has a validator, and half a document cannot go on in another one */
		return error_set(error, ERROR_REGISTRY, "the listing goes on in the middle");
	s3_page_free(listing->page);
	free_entry(&listing->entry);
	listing->encoded = listing->truncated = listing->listed = false;
	xml_restart(listing->xml);
	return 0;
}

static int write_page(void *context, const void *bytes, size_t length, struct error *error)
{
	struct listing *listing = context;

	return xml_add(listing->xml, bytes, length, error);
}

/* Takes the prefix off the names, and the encoding, which has spaces as plus signs where the service is AWS. Entries that are not
 * below the prefix are dropped. */
static void finish_names(struct s3_page *page, const char *prefix, bool encoded)
{
	size_t kept = 0;

	for (size_t i = 0; i < page->count; i++) {
		struct s3_entry *entry = &page->entries[i];
		AUTO_FREE char *name = encoded ? url_decode_form(entry->name) : xstrdup(entry->name);
		if (!name || !str_starts(name, prefix)) {
			free_entry(entry);
			continue;
		}
		replace(&entry->name, name + strlen(prefix));
		page->entries[kept++] = *entry;
	}
	page->count = kept;
}

/* Checks what came as a whole. */
static int finish(struct listing *listing, const char *prefix, const char *token, struct error *error)
{
	struct s3_page *page = listing->page;

	if (xml_end(listing->xml, error))
		return -1;
	if (!listing->listed)
		return error_set(error, ERROR_REGISTRY, "XML that is no ListBucketResult");
	if (listing->truncated && (!page->token || !*page->token || str_equal(page->token, token)))
		return error_set(error, ERROR_REGISTRY, "a page that says there is another one, and not which");
	if (!listing->truncated)
		free(steal_pointer(&page->token));
	finish_names(page, prefix, listing->encoded);
	return 0;
}

/* Returns the sorted query, which the caller frees. */
static char *query_of(const char *parameters, const char *prefix, const char *token)
{
	AUTO_BUF struct buf query = {0};

	if (token) {
		buf_puts(&query, "continuation-token=");
		url_add_encoded(&query, token, "");
		buf_puts(&query, "&");
	}
	buf_printf(&query, "%s&prefix=", parameters);
	url_add_encoded(&query, prefix, "");
	return buf_steal(&query);
}

static int explain_garbage(struct registry *registry, const char *path, struct error *error)
{
	AUTO_BUF struct buf url = {0};

	s3_add_url(&url, registry, path);
	error_in(error, "cannot list %s: the service answered with", buf_text(&url));
	return error_hint(error, "check that the endpoint speaks S3, and that no proxy answers in its place");
}

static int read_page(struct registry *registry, const struct question *question, struct listing *listing, struct error *error)
{
	const char *path = question->path;
	struct s3 *s3 = s3_open(registry, error);

	if (!s3)
		return -1;
	AUTO_FREE char *prefix = xasprintf("%s%s", s3->place.prefix, path);
	AUTO_FREE char *query = query_of(question->parameters, prefix, question->token);
	const struct http_sink sink = {.begin = begin_page, .write = write_page, .context = listing};
	struct s3_request request = {.key = "", .query = query, .http = {.sink = &sink, .limit = PAGE_LIMIT}};
	AUTO_RESPONSE struct http_response response = {0};
	struct s3_deed deed = {.verb = "list", .path = path, .permission = "s3:ListBucket"};

	if (s3_ask(registry, &request, &response, error))
		return error->code == ERROR_REGISTRY ? explain_garbage(registry, path, error) : -1;
	if (response.status != 200)
		return s3_refuse(registry, &deed, &response, error);
	return finish(listing, prefix, question->token, error) ? explain_garbage(registry, path, error) : 0;
}

static int read_listing(struct registry *registry, const struct question *question, struct s3_page *ret, struct error *error)
{
	struct listing listing = {.page = ret};

	*ret = (struct s3_page){0};
	listing.xml = xml_open(take_element, &listing);
	int result = read_page(registry, question, &listing, error);
	free_entry(&listing.entry);
	xml_close(listing.xml);
	return result;
}

int s3_read_page(struct registry *registry, const char *path, const char *token, struct s3_page *ret, struct error *error)
{
	return read_listing(registry, &(struct question){by_version, path, token}, ret, error);
}

int s3_read_all(struct registry *registry, struct s3_page *ret, struct error *error)
{
	return read_listing(registry, &(struct question){of_all, "", NULL}, ret, error);
}
