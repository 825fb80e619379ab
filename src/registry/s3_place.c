/* SPDX-License-Identifier: MIT */
/* s3://REGION/BUCKET[/PREFIX]: which service, in which style of addressing
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html). */
#include "registry/s3.h"

#include "alloc.h"
#include "buf.h"
#include "error.h"
#include "path.h"
#include "str.h"

#include <ctype.h>
#include <string.h>

static const char letters[] = "abcdefghijklmnopqrstuvwxyz", digits[] = "0123456789";

static int explain_form(const char *problem, const char *text, struct error *error)
{
	error_set(error, ERROR_CONFIG, "%s: %s", problem, *text ? text : "there is none");
	return error_hint(error, "write s3://REGION/BUCKET or s3://REGION/BUCKET/PREFIX, such as s3://eu-west-1/releases/myapp");
}

/* True for eu-west-1 and its like. Services other than AWS call their regions as they please. */
static bool is_aws_region(const char *region)
{
	size_t word = strspn(region, letters), length = strlen(region);

	return word >= 2 && region[word] == '-' && isdigit((unsigned char)region[length - 1]);
}

static int check_region(const char *region, bool aws, struct error *error)
{
	size_t length = strspn(region, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	if (!length || region[length] || length > 63)
		return explain_form("the region is no word of letters, digits and dashes", region, error);
	if (aws && !is_aws_region(region))
		return explain_form("no region of AWS", region, error);
	return 0;
}

/* AWS's rule for names of buckets (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html), in so far as it
 * decides what is a name at all; in the path of a URL, other services take capitals and underscores, too (wide). */
static int check_bucket(const struct s3_place *place, bool wide, struct error *error)
{
	const char *bucket = place->bucket;
	size_t length = strlen(bucket);
	AUTO_FREE char *accepted = xasprintf("%s%s-.%s", letters, digits, wide ? "ABCDEFGHIJKLMNOPQRSTUVWXYZ_" : "");

	if (length >= 3 && length <= 63 && strspn(bucket, accepted) == length && isalnum((unsigned char)bucket[0]) &&
	    isalnum((unsigned char)bucket[length - 1]) && !strstr(bucket, ".."))
		return 0;
	return explain_form("no name of a bucket, which has 3 to 63 small letters, digits, dots and dashes", bucket, error);
}

/* Keys may hold such parts; URLs may not. */
static int check_prefix(const char *prefix, struct error *error)
{
	if (!*prefix || !path_is_crooked(prefix))
		return 0;
	return explain_form("the prefix has a part that is empty, \".\" or \"..\"", prefix, error);
}

/* Splits the path of the URL. */
static int take_path(const struct registry *registry, struct s3_place *ret, struct error *error)
{
	const char *path = registry->url.path + (*registry->url.path == '/');
	size_t length = strcspn(path, "/");
	const char *prefix = path + length + (path[length] == '/');

	ret->bucket = xstrndup(path, length);
	ret->prefix = *prefix ? xasprintf("%s/", prefix) : xstrdup("");
	return check_prefix(prefix, error);
}

/* Returns 0 with the URL of a service other than AWS, NULL for AWS; or -1. It belongs to registry or the environment. */
static int find_endpoint(const struct registry *registry, const char **ret_url, struct error *error)
{
	*ret_url = url_parameter(&registry->url, "endpoint");
	return *ret_url ? aws_check_endpoint("endpoint", *ret_url, error) : aws_endpoint("S3", ret_url, error);
}

/* usual is the style when the URL does not say: in the path for other services, and for a bucket with a dot, as the certificate of
 * AWS is for one label before its domain. */
static int find_style(const struct registry *registry, bool usual, bool *ret_in_path, struct error *error)
{
	const char *addressing = url_parameter(&registry->url, "addressing");

	*ret_in_path = addressing ? str_equal(addressing, "path") : usual;
	if (!addressing || *ret_in_path || str_equal(addressing, "virtual"))
		return 0;
	return error_set(error, ERROR_CONFIG, "addressing=%s: expected path or virtual", addressing);
}

static void write_base(struct s3_place *place, const char *service, bool in_path)
{
	size_t length = strlen(service), scheme = (size_t)(strstr(service, "://") + 3 - service);

	while (length && service[length - 1] == '/')
		length--;
	if (in_path)
		place->base = xasprintf("%.*s/%s/", (int)length, service, place->bucket);
	else
		place->base = xasprintf("%.*s%s.%.*s/", (int)scheme, service, place->bucket, (int)(length - scheme),
					service + scheme);
}

int s3_locate(const struct registry *registry, struct s3_place *ret, struct error *error)
{
	const char *region = registry->url.authority, *endpoint;
	bool in_path;

	*ret = (struct s3_place){.region = region};
	if (find_endpoint(registry, &endpoint, error) || check_region(region, !endpoint, error) ||
	    take_path(registry, ret, error) || url_boolean(&registry->url, "anonymous", &ret->anonymous, error) ||
	    find_style(registry, endpoint || strchr(ret->bucket, '.'), &in_path, error) ||
	    check_bucket(ret, endpoint && in_path, error))
		return -1;
	AUTO_FREE char *aws = xasprintf("https://s3.%s.%s", region, aws_domain(region));
	write_base(ret, endpoint ? endpoint : aws, in_path);
	return 0;
}

void s3_place_free(struct s3_place *place)
{
	free(place->bucket);
	free(place->prefix);
	free(place->base);
	*place = (struct s3_place){0};
}

void s3_add_url(struct buf *buf, const struct registry *registry, const char *path)
{
	buf_printf(buf, "s3://%s", registry->url.authority);
	url_add_encoded(buf, registry->url.path, "/");
	buf_puts(buf, "/");
	url_add_encoded(buf, path, "/");
}
