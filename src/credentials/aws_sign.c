/* SPDX-License-Identifier: MIT */
/* How requests to AWS are signed, and where its services are. */
#include "credentials/aws.h"

#include "alloc.h"
#include "digest.h"
#include "error.h"
#include "proc.h"
#include "str.h"
#include "url.h"

#include <string.h>

/* The SHA-256 of the body is part of what is signed: S3 wants to be told, and libcurl does not know it of every body. */
static void add_content_header(const struct http_request *request, struct words *headers)
{
	static const char name[] = "x-amz-content-sha256: ";
	struct digest *digest = digest_begin("sha256");
	char text[DIGEST_TEXT];

	digest_add(digest, request->body, request->body_length);
	digest_end(digest, text);
	AUTO_FREE char *header = xasprintf("%s%s", name, strchr(text, ':') + 1);
	words_add(headers, header);
}

void aws_sign(struct http_request *request, const struct aws_credential *credential, const char *region, const char *service,
	      struct aws_signing *signing)
{
	if (credential) {
		add_content_header(request, &signing->headers);
		if (credential->session_token)
			words_add_all(&signing->headers, "x-amz-security-token: ",
				      (const char *[]){credential->session_token, NULL});
		signing->scope = xasprintf("aws:amz:%s:%s", region, service);
		signing->signature = (struct http_signature){
			.scope = signing->scope,
			.key_id = credential->key_id,
			.secret = credential->secret,
		};
		request->signature = &signing->signature;
	}
	request->headers = words_list(&signing->headers);
}

void aws_signing_free(struct aws_signing *signing)
{
	words_free(&signing->headers);
	free(signing->scope);
	*signing = (struct aws_signing){0};
}

const char *aws_domain(const char *region)
{
	return str_starts(region, "cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

int aws_check_endpoint(const char *what, const char *text, struct error *error)
{
	AUTO_URL struct url url = {0};

	if (url_parse(&url, text, error) == 0 && (str_equal(url.scheme, "https") || str_equal(url.scheme, "http")) &&
	    *url.authority && !strchr(url.authority, ' ') && !strpbrk(text, "@?"))
		return 0;
	AUTO_FREE char *public = url_public(text);
	error_set(error, ERROR_CONFIG, "%s is %s: expected https://HOST[:PORT] or http://HOST[:PORT]", what, public);
	return error_hint(error, "write the URL of the service, without user, password, bucket and parameters");
}

int aws_endpoint(const char *service, const char **ret_url, struct error *error)
{
	AUTO_FREE char *own = xasprintf("AWS_ENDPOINT_URL_%s", service);
	const char *variable = proc_variable(own) ? own : "AWS_ENDPOINT_URL";

	*ret_url = proc_variable(variable);
	return *ret_url ? aws_check_endpoint(variable, *ret_url, error) : 0;
}
