/* SPDX-License-Identifier: MIT */
/* AWS Security Token Service: temporary credentials of a role, by its query API
 * (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html and API_AssumeRoleWithWebIdentity.html). */
#include "credentials/aws_source.h"

#include "alloc.h"
#include "credentials/tokens.h"
#include "error.h"
#include "json.h"
#include "proc.h"
#include "redact.h"
#include "str.h"
#include "url.h"
#include "xml.h"

#include <ctype.h>
#include <string.h>

enum { SESSION_NAME_MOST = 64 }; /* characters */

struct exchange {
	struct aws_search *search;
	const struct aws_role *role;
	const char *source;
	const char *action;
	const struct aws_credential *signer; /* NULL for an action that is not signed */
	const char *secret;                  /* what is exchanged */
	struct buf form;
};

/* Appends dewy-HOST, with what a session name does not have as a dash. */
static void add_own_name(struct buf *name)
{
	char host[SESSION_NAME_MOST] = "";

	gethostname(host, sizeof host - sizeof "dewy-");
	buf_printf(name, "dewy-%s", host);
	for (char *letter = name->data; *letter; letter++)
		if (!isalnum((unsigned char)*letter) && !strchr("+=,.@-_", *letter))
			*letter = '-';
}

static void write_form(struct exchange *exchange)
{
	const struct aws_role *role = exchange->role;
	struct buf *form = &exchange->form;
	AUTO_BUF struct buf name = {0};

	if (role->session_name)
		buf_puts(&name, role->session_name);
	else
		add_own_name(&name);
	url_add_field(form, "Action", exchange->action);
	url_add_field(form, "Version", "2011-06-15");
	url_add_field(form, "RoleArn", role->arn);
	url_add_field(form, "RoleSessionName", buf_text(&name));
	if (role->external_id)
		url_add_field(form, "ExternalId", role->external_id);
	if (role->duration)
		url_add_field(form, "DurationSeconds", role->duration);
	if (!exchange->signer) {
		redact_learn(exchange->secret);
		url_add_field(form, "WebIdentityToken", exchange->secret);
	}
}

static int fail(const struct exchange *exchange, const char *url, const struct http_response *response, struct error *error)
{
	struct error none;
	AUTO_JSON cJSON *answer = xml_members(buf_text(&response->body), response->body.length, &none);
	const char *code = json_string(answer, "Code"), *message = json_string(answer, "Message");
	AUTO_FREE char *host = url_host(url);

	if (!code)
		error_set(error, ERROR_REGISTRY, "%s: %s answered HTTP %ld to %s", exchange->source, host, response->status,
			  exchange->action);
	else
		error_set(error, ERROR_REGISTRY, "%s: %s refuses %s for %s: %s%s%s", exchange->source, host, exchange->action,
			  exchange->role->arn, code, message ? ": " : "", message ? message : "");
	if (str_equal(code, "AccessDenied"))
		return error_hint(error, "let the trust policy of the role allow sts:%s to what asks for it", exchange->action);
	if (code && (str_equal(code, "ExpiredTokenException") || str_equal(code, "ExpiredToken")))
		return error_hint(error, "have the token that is exchanged renewed");
	return error_hint(error, "check the role, its trust policy, and what is exchanged for it");
}

/* Returns the answer's credential as JSON, which the caller frees; or NULL. */
static char *read_answer(const struct exchange *exchange, const struct http_response *response, struct error *error)
{
	AUTO_JSON cJSON *answer = xml_members(buf_text(&response->body), response->body.length, error);
	AUTO_JSON cJSON *credential = xrequire(cJSON_CreateObject());
	static const char *const members[] = {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"};

	if (!answer) {
		error_in(error, "%s: the answer to %s", exchange->source, exchange->action);
		return NULL;
	}
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		json_set_string(credential, members[i], json_string(answer, members[i]));
	return json_print(credential);
}

char *aws_sts_url(const char *region, struct error *error)
{
	const char *endpoint;

	if (aws_endpoint("STS", &endpoint, error))
		return NULL;
	if (endpoint)
		return xasprintf("%s%s", endpoint, str_ends(endpoint, "/") ? "" : "/");
	return xasprintf("https://sts.%s.%s/", region, aws_domain(region));
}

/* Asks STS. Returns the credential as JSON, which the caller frees, or NULL. */
static char *ask(struct exchange *exchange, struct error *error)
{
	AUTO_FREE char *url = aws_sts_url(exchange->search->region, error);
	AUTO_RESPONSE struct http_response response = {0};
	AUTO_AWS_SIGNING struct aws_signing signing = {0};

	if (!url)
		return NULL;
	struct http_request request = {
		.method = "POST",
		.url = url,
		.body = exchange->form.data,
		.body_length = exchange->form.length,
		.limit = AWS_CREDENTIAL_LIMIT,
	};
	words_add(&signing.headers, "Content-Type: application/x-www-form-urlencoded; charset=utf-8");
	aws_sign(&request, exchange->signer, exchange->search->region, "sts", &signing);
	if (session_ask(exchange->search->session, &request, "", &response, error)) {
		error_in(error, "%s", exchange->source);
		return NULL;
	}
	if (response.status == 200)
		return read_answer(exchange, &response, error);
	fail(exchange, url, &response, error);
	return NULL;
}

/* Takes a credential that was kept, or asks for one and keeps it. */
static int exchange_for_role(struct exchange *exchange, struct aws_credential *ret, struct error *error)
{
	const struct root *root = exchange->search->session->root;
	AUTO_FREE char *name = xasprintf("aws %s", exchange->role->arn);
	time_t expires_at;
	struct error damaged;
	AUTO_FREE char *kept = tokens_find(root, name, exchange->secret);

	if (kept && aws_credential_parse(kept, strlen(kept), exchange->source, ret, NULL, &damaged) == 0) {
		ret->kept_as = steal_pointer(&name);
		return 0;
	}
	write_form(exchange);
	AUTO_FREE char *credential = ask(exchange, error);
	if (!credential || aws_credential_parse(credential, strlen(credential), exchange->source, ret, &expires_at, error))
		return -1;
	tokens_keep(root, name, exchange->secret, credential, expires_at);
	return 0;
}

int aws_assume_role(struct aws_search *search, const struct aws_role *role, const struct aws_credential *signer, const char *source,
		    struct aws_credential *ret, struct error *error)
{
	struct exchange exchange = {
		.search = search,
		.role = role,
		.source = source,
		.action = "AssumeRole",
		.signer = signer,
		.secret = signer->secret,
	};
	int result = exchange_for_role(&exchange, ret, error);

	buf_free(&exchange.form);
	return result;
}

int aws_assume_role_by_token(struct aws_search *search, const struct aws_role *role, const char *token_file, const char *source,
			     struct aws_credential *ret, struct error *error)
{
	AUTO_BUF struct buf token = {0};
	struct exchange exchange = {.search = search, .role = role, .source = source, .action = "AssumeRoleWithWebIdentity"};

	if (aws_read_file(source, token_file, &token, error))
		return -1;
	if (!token.length)
		return error_set(error, ERROR_CONFIG, "%s: the web identity token file %s is empty", source, token_file);
	exchange.secret = token.data;
	int result = exchange_for_role(&exchange, ret, error);
	buf_free(&exchange.form);
	return result;
}

int aws_web_identity(struct aws_search *search, struct aws_credential *ret, struct error *error)
{
	const char *token_file = proc_variable("AWS_WEB_IDENTITY_TOKEN_FILE");
	struct aws_role role = {.arn = proc_variable("AWS_ROLE_ARN"), .session_name = proc_variable("AWS_ROLE_SESSION_NAME")};

	if (!token_file)
		return aws_skip(search, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
	if (role.arn)
		return aws_assume_role_by_token(search, &role, token_file, "AWS_WEB_IDENTITY_TOKEN_FILE", ret, error);
	error_set(error, ERROR_CONFIG, "AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not");
	return error_hint(error, "set AWS_ROLE_ARN to the role that the token is exchanged for");
}
