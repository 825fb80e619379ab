/* SPDX-License-Identifier: MIT */
#include "registry/s3.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "str.h"
#include "xml.h"

#include <string.h>

enum { SKEW_MOST = 300 }; /* seconds: services refuse requests that are 5 or 15 minutes off */

/* An answer that says no, taken apart. */
struct refusal {
	struct registry *registry;
	const struct s3 *s3;
	const struct s3_deed *deed;
	long status;
	const char *code, *message;  /* "" for none */
	const char *region;          /* where the bucket is, NULL when the answer does not tell */
	const char *key_id, *source; /* of the credential */
	long long ahead;             /* seconds by which the clock of the service is ahead */
};

static int hint_permission(const struct refusal *refusal, struct error *error)
{
	const struct s3_place *place = &refusal->s3->place;
	bool list = str_equal(refusal->deed->permission, "s3:ListBucket");

	if (place->anonymous)
		return error_hint(error, "the bucket does not allow that to everybody: take anonymous=true out of the URL, and "
					 "give credentials");
	return error_hint(error, "allow %s on arn:aws:s3:::%s%s%s%s to %s; credentials come from %s", refusal->deed->permission,
			  place->bucket, list ? "" : "/", list ? "" : place->prefix, list ? "" : "*", refusal->key_id,
			  refusal->source);
}

static int hint_secret(const struct refusal *refusal, struct error *error)
{
	return error_hint(error, "check the secret access key that belongs to %s; credentials come from %s",
			  refusal->key_id, refusal->source);
}

static int hint_key(const struct refusal *refusal, struct error *error)
{
	return error_hint(error, "check the access key id %s, and that it belongs to this service; credentials come from %s",
			  refusal->key_id, refusal->source);
}

static int hint_expired(const struct refusal *refusal, struct error *error)
{
	return error_hint(error, "renew the credentials, which come from %s", refusal->source);
}

static int hint_bucket(const struct refusal *refusal, struct error *error)
{
	return error_hint(error, "create the bucket %s, or correct the region or the name in the URL: s3://REGION/BUCKET/PREFIX",
			  refusal->s3->place.bucket);
}

static int hint_key_missing(const struct refusal *refusal, struct error *error)
{
	(void)refusal;
	return error_hint(error, "it was removed since dewy-check listed it: start again from dewy-check");
}

static int hint_later(const struct refusal *refusal, struct error *error)
{
	(void)refusal;
	return error_hint(error, "the next run tries again; a longer interval needs fewer requests");
}

static int hint_place(const struct refusal *refusal, struct error *error)
{
	(void)refusal;
	return error_hint(error, "find out in which region the bucket is, and write s3://REGION/BUCKET/PREFIX; for a service other "
				 "than AWS, check the endpoint");
}

/* Codes of https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. */
static const struct known {
	const char *code;
	const char *sentence;
	int (*hint)(const struct refusal *refusal, struct error *error);
} knowns[] = {
	{"AccessDenied", "access denied", hint_permission},
	{"AllAccessDisabled", "access denied", hint_permission},
	{"AccountProblem", "access denied", hint_permission},
	{"SignatureDoesNotMatch", "the signature is wrong", hint_secret},
	{"InvalidAccessKeyId", "the access key id is unknown", hint_key},
	{"InvalidToken", "the session token is wrong", hint_expired},
	{"ExpiredToken", "the credentials have expired", hint_expired},
	{"NoSuchBucket", "there is no such bucket", hint_bucket},
	{"InvalidBucketName", "that is no name of a bucket", hint_bucket},
	{"NoSuchKey", "it is not there", hint_key_missing},
	{"PermanentRedirect", "the bucket is elsewhere", hint_place},
	{"TemporaryRedirect", "the bucket is elsewhere", hint_place},
	{"AuthorizationHeaderMalformed", "the region is wrong", hint_place},
	{"SlowDown", "the service asks for fewer requests", hint_later},
	{"ServiceUnavailable", "the service is overloaded", hint_later},
	{"InternalError", "the service has failed", hint_later},
};

static const struct known *find_known(const char *code)
{
	for (size_t i = 0; i < sizeof knowns / sizeof *knowns; i++)
		if (str_equal(knowns[i].code, code))
			return &knowns[i];
	return NULL;
}

/* A key that is wrong is said so, whatever the clock. */
static bool is_skewed(const struct refusal *refusal)
{
	bool code = str_equal(refusal->code, "RequestTimeTooSkewed") || str_equal(refusal->code, "AccessDenied") || !*refusal->code;

	return refusal->status == 403 && code && !refusal->s3->place.anonymous &&
	       (refusal->ahead > SKEW_MOST || refusal->ahead < -SKEW_MOST);
}

static int refuse_skew(const char *what, const struct refusal *refusal, struct error *error)
{
	long long off = refusal->ahead < 0 ? -refusal->ahead : refusal->ahead;
	AUTO_BUF struct buf skew = {0};

	str_add_duration(&skew, off * 1000);
	error_set(error, ERROR_REGISTRY, "%s: this machine's clock is %s %s that of the service", what, buf_text(&skew),
		  refusal->ahead > 0 ? "behind" : "ahead of");
	return error_hint(error, "set this machine's clock, and keep it right by NTP");
}

static int refuse_region(const char *what, const struct refusal *refusal, struct error *error)
{
	AUTO_BUF struct buf path = {0};

	url_add_encoded(&path, refusal->registry->url.path, "/");
	error_set(error, ERROR_REGISTRY, "%s: the bucket is in the region %s, not %s", what, refusal->region,
		  refusal->s3->place.region);
	return error_hint(error, "write s3://%s%s, with the parameters that are there now", refusal->region, buf_text(&path));
}

/* For answers that are no error of S3. */
static int refuse_status(const char *what, const struct refusal *refusal, struct error *error)
{
	AUTO_FREE char *host = url_host(refusal->s3->place.base);

	if (refusal->status >= 300 && refusal->status < 400)
		error_set(error, ERROR_REGISTRY, "%s: %s redirects (HTTP %ld), which S3 has no use for", what, host,
			  refusal->status);
	else
		error_set(error, ERROR_REGISTRY, "%s: %s answered HTTP %ld, which is no answer of S3", what, host, refusal->status);
	return error_hint(error, "check that the endpoint speaks S3, and that no proxy answers in its place");
}

static int refuse(const struct refusal *refusal, struct error *error)
{
	const struct known *known = find_known(refusal->code);
	enum error_code code = str_equal(refusal->code, "NoSuchKey") ? ERROR_NOT_FOUND : ERROR_REGISTRY;
	AUTO_BUF struct buf what = {0};

	buf_printf(&what, "cannot %s ", refusal->deed->verb);
	s3_add_url(&what, refusal->registry, refusal->deed->path);
	if (refusal->region && !str_equal(refusal->region, refusal->s3->place.region))
		return refuse_region(buf_text(&what), refusal, error);
	if (is_skewed(refusal))
		return refuse_skew(buf_text(&what), refusal, error);
	if (!*refusal->code)
		return refuse_status(buf_text(&what), refusal, error);
	error_set(error, code, "%s: %s (%.64s%s%s)", buf_text(&what), known ? known->sentence : "the service refuses",
		  refusal->code, *refusal->message ? ": " : "", refusal->message);
	return known ? known->hint(refusal, error) : hint_permission(refusal, error);
}

static bool is_region(const char *text)
{
	return text && *text && strlen(text) < 64 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(text);
}

int s3_refuse(struct registry *registry, const struct s3_deed *deed, const struct http_response *response, struct error *error)
{
	const struct s3 *s3 = registry->own;
	struct http *http = session_http(&registry->session);
	const char *region = http_header(http, "x-amz-bucket-region", 0);
	struct error garbage;
	AUTO_JSON cJSON *body = xml_members(buf_text(&response->body), response->body.length, &garbage);
	const char *code = json_string(body, "Code"), *message = json_string(body, "Message");
	struct refusal refusal = {
		.registry = registry,
		.s3 = s3,
		.deed = deed,
		.status = response->status,
		.code = code ? code : "",
		.message = message ? message : "",
		.region = region ? region : json_string(body, "Region"),
		.key_id = s3->place.anonymous ? "nobody" : s3->credential.key_id,
		.source = s3->place.anonymous ? "nowhere" : s3->credential.source,
		.ahead = http_clock_ahead(http),
	};

	if (!is_region(refusal.region))
		refusal.region = NULL;
	return refuse(&refusal, error);
}

bool s3_is_expiry(const struct http_response *response)
{
	static const char *const codes[] = {"ExpiredToken", "InvalidToken", "InvalidAccessKeyId", "TokenRefreshRequired"};
	struct error garbage;

	if (response->status < 400 || response->status > 403)
		return false;
	AUTO_JSON cJSON *body = xml_members(buf_text(&response->body), response->body.length, &garbage);
	const char *code = json_string(body, "Code");
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (str_equal(code, codes[i]))
			return true;
	return false;
}

bool s3_is_refusal(const struct http_response *response)
{
	struct error garbage;
	AUTO_JSON cJSON *body = xml_members(buf_text(&response->body), response->body.length, &garbage);
	const char *code = json_string(body, "Code");

	switch (response->status) {
	case 403:
		return str_equal(code, "AccessDenied") || str_equal(code, "AllAccessDisabled") || !code;
	case 401:
	case 405:
	case 422:
	case 501:
		return true;
	default:
		return false;
	}
}
