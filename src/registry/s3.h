/* SPDX-License-Identifier: MIT */
/* What the files of the s3:// registry share. Source of every format: https://docs.aws.amazon.com/AmazonS3/latest/API/ */
#ifndef DEWY_S3_H
#define DEWY_S3_H

#include "credentials/aws.h"
#include "registry/registry.h"

/* Where a registry is. */
struct s3_place {
	const char *region;
	char *bucket;
	char *prefix;   /* what its keys begin with: "" or text that ends in a slash */
	char *base;     /* URL that the key of an object, encoded, is appended to */
	bool anonymous; /* requests are not signed */
};

#define AUTO_S3_PLACE AUTO(s3_place_free)

/* Finds out where the registry of that URL is, and checks all that leads there. Returns 0, or -1 with ERROR_CONFIG. The region
 * belongs to registry; the caller gives ret to s3_place_free in both cases. */
int s3_locate(const struct registry *registry, struct s3_place *ret, struct error *error);

void s3_place_free(struct s3_place *place);

/* Appends the URL of the registry, or of what is below it at path, as people write it. */
void s3_add_url(struct buf *buf, const struct registry *registry, const char *path);

/* One page of a listing. */
struct s3_page {
	struct s3_entry {
		char *name;          /* without the prefix; that of a common prefix ends in a slash */
		char *last_modified; /* as the service writes it; NULL for a common prefix */
		char *etag;          /* as the service writes it; NULL for a common prefix */
		long long size;      /* -1 for a common prefix */
	} *entries;
	size_t count;
	char *token; /* of the next page, NULL for the last one */
};

#define AUTO_S3_PAGE AUTO(s3_page_free)

/* What a registry keeps between two calls. */
struct s3 {
	struct s3_place place;
	struct aws_credential credential; /* empty for an anonymous one */
	struct s3_page all;               /* all objects, where they are few; else empty */
};

/* Returns what the registry keeps, made and with its credential found at the first call; or NULL. It belongs to registry. */
struct s3 *s3_open(struct registry *registry, struct error *error);

/* A request to the service. */
struct s3_request {
	const char *key;    /* of the object, "" for the bucket itself */
	const char *query;  /* sorted and encoded, without the question mark; NULL for none */
	const char *header; /* one more, NULL for none */
	struct http_request http;
};

/* Signs the request and makes it; and once more with a new credential when one that an earlier run kept is not accepted: it may
 * have been revoked since. Returns 0 with any answer, or -1. The caller gives ret to http_response_free. */
int s3_ask(struct registry *registry, struct s3_request *request, struct http_response *ret, struct error *error);

/* What was asked for, for people. */
struct s3_deed {
	const char *verb;       /* "list" */
	const char *path;       /* of what it was done to, below the registry */
	const char *permission; /* that it needs: "s3:ListBucket" */
};

/* Fills in the error for an answer that says no (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). Returns
 * -1. */
int s3_refuse(struct registry *registry, const struct s3_deed *deed, const struct http_response *response, struct error *error);

/* True when the answer says that the credential is good no longer. */
bool s3_is_expiry(const struct http_response *response);

/* True when the answer says that this machine may not do what was asked for, and not that something is wrong with its question. */
bool s3_is_refusal(const struct http_response *response);

/* See struct registry_ops. */
int s3_fetch(struct registry *registry, const struct url *url, const struct registry_resume *resume,
	     const struct registry_sink *sink, struct error *error);

/* Reads the page that token tells, the first one with NULL, of the objects and common prefixes below path in the registry, which is
 * "" or ends in a slash, with the delimiter "/". Returns 0, or -1. The caller gives ret to s3_page_free in both cases. */
int s3_read_page(struct registry *registry, const char *path, const char *token, struct s3_page *ret, struct error *error);

/* Reads all objects of the registry, if they are no more than fit a short page: else ret has a token. Returns 0, or -1. The caller
 * gives ret to s3_page_free in both cases. */
int s3_read_all(struct registry *registry, struct s3_page *ret, struct error *error);

void s3_page_free(struct s3_page *page);

#endif
