/* SPDX-License-Identifier: MIT */
/* Credentials from services that only this machine can reach: that of containers
 * (https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html), and that of instances, in version 2
 * (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html). */
#include "credentials/aws_source.h"

#include "alloc.h"
#include "error.h"
#include "proc.h"
#include "str.h"
#include "url.h"

#include <string.h>
#include <strings.h>

enum { FIRST_MS = 1000 }; /* where there is no such service, nothing answers */

/* True for a host, in brackets and with a port as in a URL, that only this machine reaches. */
static bool is_near(const char *authority)
{
	static const char *const hosts[] = {"localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
	size_t length = *authority == '[' ? strcspn(authority, "]") + 1 : strcspn(authority, ":");

	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
		if (strlen(hosts[i]) == length && strncasecmp(hosts[i], authority, length) == 0)
			return true;
	return str_starts(authority, "127.") && strspn(authority, "0123456789.") == length; /* no host name is all digits */
}

/* Returns 0 with the URL to ask, which the caller frees; 1 when none is set; or -1. */
static int container_url(char **ret_url, struct error *error)
{
	const char *relative = proc_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = proc_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	AUTO_URL struct url url = {0};

	*ret_url = relative ? xasprintf("http://169.254.170.2%s%s", *relative == '/' ? "" : "/", relative) : xstrdup(full);
	if (relative || !full)
		return relative ? 0 : 1;
	if (url_parse(&url, full, error) == 0 && !strchr(url.authority, '@') &&
	    (str_equal(url.scheme, "https") || (str_equal(url.scheme, "http") && is_near(url.authority))))
		return 0;
	AUTO_FREE char *public = url_public(full);
	error_set(error, ERROR_CONFIG, "AWS_CONTAINER_CREDENTIALS_FULL_URI is %s: credentials are taken only from https, or by "
				       "http from this machine or the addresses of ECS and EKS", public);
	return error_hint(error, "correct it, or leave it to ECS or EKS to set");
}

/* Adds the header that the service wants, if it wants one. EKS renews the file. */
static int add_authorization(struct words *headers, struct error *error)
{
	static const char variable[] = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
	const char *path = proc_variable(variable), *token = proc_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	AUTO_BUF struct buf content = {0};

	if (path && aws_read_file(variable, path, &content, error))
		return -1;
	if (path)
		token = buf_text(&content);
	if (token)
		words_add_all(headers, "Authorization: ", (const char *[]){token, NULL});
	return 0;
}

static int ask(struct aws_search *search, struct http_request *request, const struct words *headers, struct http_response *response,
	       struct error *error)
{
	request->headers = words_list(headers);
	request->limit = AWS_CREDENTIAL_LIMIT;
	return session_ask(search->session, request, "", response, error);
}

int aws_container(struct aws_search *search, struct aws_credential *ret, struct error *error)
{
	static const char source[] = "the container service";
	AUTO_FREE char *url = NULL;
	AUTO_WORDS struct words headers = {0};
	AUTO_RESPONSE struct http_response response = {0};
	int result = container_url(&url, error);

	if (result > 0)
		return aws_skip(search, "AWS_CONTAINER_CREDENTIALS_FULL_URI and _RELATIVE_URI are not set");
	if (result < 0 || add_authorization(&headers, error))
		return -1;
	if (ask(search, &(struct http_request){.url = url, .private_path = true, .direct = true}, &headers, &response, error))
		return error_in(error, "%s", source);
	if (response.status == 200)
		return aws_credential_parse(buf_text(&response.body), response.body.length, source, ret, NULL, error);
	AUTO_FREE char *host = url_host(url);
	error_set(error, ERROR_REGISTRY, "%s at %s answered HTTP %ld", source, host, response.status);
	return error_hint(error, "check the role of the task or pod, and AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE or _TOKEN");
}

/* The instance metadata service while it is asked. */
struct metadata {
	struct aws_search *search;
	const char *endpoint;
	struct words headers; /* the session token, once there is one */
};

static const char instance[] = "the instance metadata service";

/* Makes one request. Returns the status, with a body that the caller gives to buf_free; or -1. */
static long ask_metadata(const struct metadata *metadata, struct http_request *request, const char *path, struct buf *ret_body,
			 struct error *error)
{
	size_t length = strlen(metadata->endpoint);
	AUTO_FREE char *url = xasprintf("%.*s%s", (int)(length - str_ends(metadata->endpoint, "/")), metadata->endpoint, path);
	AUTO_RESPONSE struct http_response response = {0};

	request->url = url;
	request->direct = true;
	if (ask(metadata->search, request, &metadata->headers, &response, error))
		return error_in(error, "%s", instance);
	*ret_body = response.body;
	response.body = (struct buf){0};
	return response.status;
}

/* Opens a session: version 1, without one, lets whatever can make this machine send a GET read its credentials. */
static int open_session(struct metadata *metadata, struct error *error)
{
	AUTO_BUF struct buf token = {0};

	words_add(&metadata->headers, "X-aws-ec2-metadata-token-ttl-seconds: 300");
	struct http_request request = {.method = "PUT", .timeout_ms = FIRST_MS, .once = true};
	long status = ask_metadata(metadata, &request, "/latest/api/token", &token, error);
	words_free(&metadata->headers);
	if (status == 200)
		words_add_all(&metadata->headers, "X-aws-ec2-metadata-token: ", (const char *[]){buf_text(&token), NULL});
	if (status < 0)
		return aws_skip(metadata->search, "%s", error->message);
	return status == 200 ? 0 : aws_skip(metadata->search, "%s answered HTTP %ld to the request for a token", instance, status);
}

static int read_metadata(struct metadata *metadata, struct aws_credential *ret, struct error *error)
{
	static const char base[] = "/latest/meta-data/iam/security-credentials/";
	AUTO_BUF struct buf role = {0}, credential = {0}, path = {0};
	long status = ask_metadata(metadata, &(struct http_request){0}, base, &role, error);

	if (status == 404)
		return aws_skip(metadata->search, "this instance has no role");
	if (status == 200) {
		AUTO_FREE char *name = xstrndup(buf_text(&role), strcspn(buf_text(&role), "\r\n"));
		buf_puts(&path, base);
		url_add_encoded(&path, name, "");
		status = ask_metadata(metadata, &(struct http_request){0}, buf_text(&path), &credential, error);
	}
	if (status == 200)
		return aws_credential_parse(buf_text(&credential), credential.length, instance, ret, NULL, error);
	return status < 0 ? -1 : error_set(error, ERROR_REGISTRY, "%s answered HTTP %ld", instance, status);
}

int aws_instance(struct aws_search *search, struct aws_credential *ret, struct error *error)
{
	const char *disabled = proc_variable("AWS_EC2_METADATA_DISABLED");
	const char *mode = proc_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
	const char *endpoint = proc_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *usual = mode && strcasecmp(mode, "ipv6") == 0 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
	struct metadata metadata = {.search = search, .endpoint = endpoint ? endpoint : usual};

	if (disabled && strcasecmp(disabled, "true") == 0)
		return aws_skip(search, "AWS_EC2_METADATA_DISABLED is set");
	if (endpoint && aws_check_endpoint("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint, error))
		return -1;
	int result = open_session(&metadata, error);
	if (result == 0)
		result = read_metadata(&metadata, ret, error);
	words_free(&metadata.headers);
	return result;
}
