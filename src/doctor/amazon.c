/* SPDX-License-Identifier: MIT */
/* Who asks S3: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html. */
#include "doctor/service.h"

#include "alloc.h"
#include "json.h"
#include "proc.h"
#include "registry/s3.h"
#include "secret.h"
#include "str.h"
#include "xml.h"

#include <string.h>

enum { ANSWER_LIMIT = 1 << 16 };

static char *base(const struct registry *registry)
{
	AUTO_S3_PLACE struct s3_place place = {0};
	struct error error;

	return s3_locate(registry, &place, &error) ? NULL : steal_pointer(&place.base);
}

static void credential(struct doctor *doctor, struct verdict *verdict)
{
	struct error error;
	const struct s3 *s3 = s3_open(&doctor->registry, &error);

	if (!s3) {
		verdict_fail(verdict, &error);
		return;
	}
	if (s3->place.anonymous) {
		verdict_ok(verdict, "none: the registry is asked by nobody");
		return;
	}
	AUTO_FREE char *variable = str_equal(s3->credential.source,
					     "the environment") ? secret_source("AWS_SECRET_ACCESS_KEY") : NULL;
	verdict_ok(verdict, variable ? "%s: %s" : "%s", s3->credential.source, variable);
}

/* True when STS knows the credential: it is AWS that is asked, or the environment says where STS is. */
static bool is_known(const struct s3 *s3)
{
	return strstr(s3->place.base, aws_domain(s3->place.region)) || proc_variable("AWS_ENDPOINT_URL_STS");
}

/* Returns the answer of STS, which the caller deletes, or NULL. */
static cJSON *ask_identity(struct registry *registry, const struct s3 *s3, struct error *error)
{
	static const char form[] = "Action=GetCallerIdentity&Version=2011-06-15";
	AUTO_FREE char *url = aws_sts_url(s3->place.region, error);
	AUTO_RESPONSE struct http_response response = {0};
	AUTO_AWS_SIGNING struct aws_signing signing = {0};
	struct http_request request = {
		.method = "POST", .url = url, .body = form, .body_length = sizeof form - 1, .limit = ANSWER_LIMIT};

	if (!url)
		return NULL;
	words_add(&signing.headers, "Content-Type: application/x-www-form-urlencoded; charset=utf-8");
	aws_sign(&request, &s3->credential, s3->place.region, "sts", &signing);
	if (session_ask(&registry->session, &request, s3->credential.identity, &response, error))
		return NULL;
	if (response.status == 200)
		return xml_members(buf_text(&response.body), response.body.length, error);
	error_set(error, ERROR_REGISTRY, "STS answers %ld", response.status);
	return NULL;
}

static void permissions(struct doctor *doctor, struct verdict *verdict)
{
	const struct s3 *s3 = doctor->registry.own;
	struct error error;

	verdict_ok(verdict, "may list; reading objects and writing audit records were not tested");
	if (s3->place.anonymous)
		return;
	if (!is_known(s3)) {
		verdict_ok(verdict, "who asks is not told by a service other than AWS");
		return;
	}
	AUTO_JSON cJSON *identity = ask_identity(&doctor->registry, s3, &error);
	const char *arn = json_string(identity, "Arn");
	verdict_ok(verdict, arn ? "asked by %s" : "who asks is not known: %s",
		   arn ? arn : identity ? "STS does not tell" : error.message);
}

static bool is_timed(const struct registry *registry)
{
	const struct s3 *s3 = registry->own;

	return !s3 || !s3->place.anonymous;
}

const struct service s3_service = {&s3_registry, base, credential, permissions, is_timed};
