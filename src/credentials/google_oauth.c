/* SPDX-License-Identifier: MIT */
/* Credential files, and what they are exchanged for: a service account signs an assertion (RFC 7523,
 * https://developers.google.com/identity/protocols/oauth2/service-account), a user has a refresh token (RFC 6749, 6). */
#include "credentials/google_token.h"

#include "alloc.h"
#include "error.h"
#include "jwt.h"
#include "redact.h"
#include "str.h"
#include "url.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

enum {
	LIFETIME = 3600,      /* seconds, the longest that an assertion may be good for */
	ANSWER_LIMIT = 65536, /* bytes */
	SKEW = 60,            /* seconds that clocks may differ without a word about it */
};

static const char default_token_uri[] = "https://oauth2.googleapis.com/token";

void google_token_free(struct google_token *token)
{
	free(token->text);
	*token = (struct google_token){0};
}

int google_token_read(const struct http_response *response, const char *host, struct google_token *ret, struct error *error)
{
	AUTO_JSON cJSON *answer = json_parse(buf_text(&response->body), response->body.length, error);
	const char *text = json_string(answer, "access_token");

	if (!text || !*text)
		return error_set(error, ERROR_REGISTRY, "%s answers without an access token", host);
	redact_learn(text);
	*ret = (struct google_token){.text = xstrdup(text), .lifetime = json_number(answer, "expires_in", 0)};
	return 0;
}

static int add_assertion(struct buf *form, const cJSON *json, const char *uri, const char *scope, struct error *error)
{
	AUTO_JSON cJSON *claims = xrequire(cJSON_CreateObject());
	time_t now = time(NULL);

	json_set_string(claims, "iss", json_string(json, "client_email"));
	json_set_string(claims, "scope", scope);
	json_set_string(claims, "aud", uri);
	json_set_number(claims, "iat", now);
	json_set_number(claims, "exp", now + LIFETIME);
	AUTO_FREE char *assertion = jwt_sign(claims, json_string(json, "private_key_id"), json_string(json, "private_key"), error);
	if (!assertion)
		return -1;
	redact_learn(assertion);
	url_add_field(form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
	url_add_field(form, "assertion", assertion);
	return 0;
}

static int add_refresh_token(struct buf *form, const cJSON *json, const char *uri, const char *scope, struct error *error)
{
	static const char *const members[] = {"client_id", "client_secret", "refresh_token"};

	(void)uri, (void)scope, (void)error;
	url_add_field(form, "grant_type", "refresh_token");
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		const char *value = json_string(json, members[i]);
		if (redact_is_secret_name(members[i]))
			redact_learn(value);
		url_add_field(form, members[i], value);
	}
	return 0;
}

static const struct google_file_type types[] = {
	{
		.name = "service_account",
		.secret = "private_key",
		.members = (const char *const[]){"client_email", "private_key", NULL},
		.scoped = true,
		.add_form = add_assertion,
	},
	{
		.name = "authorized_user",
		.secret = "refresh_token",
		.members = (const char *const[]){"client_id", "client_secret", "refresh_token", NULL},
		.add_form = add_refresh_token,
	},
};

int google_file_check(struct google_file *file, struct error *error)
{
	const char *name = json_string(file->json, "type");
	const struct google_file_type *type = types, *end = types + sizeof types / sizeof *types;

	while (type < end && !str_equal(type->name, name))
		type++;
	if (type == end) {
		error_set(error, ERROR_CONFIG, "the Google credentials in %s are of the type %s: expected %s or %s", file->path,
			  name ? name : "(none)", types[0].name, types[1].name);
		return error_hint(error, "name the key file of a service account in GOOGLE_APPLICATION_CREDENTIALS, or, on a "
					 "machine of Google's, no file: the metadata server has a credential, too");
	}
	for (const char *const *member = type->members; *member; member++) {
		const char *value = json_string(file->json, *member);
		if (value && *value)
			continue;
		error_set(error, ERROR_CONFIG, "the Google credentials in %s lack %s, which the type %s has", file->path, *member,
			  type->name);
		return error_hint(error, "download the key of the service account again, as JSON, or log in again by gcloud");
	}
	file->type = type;
	return 0;
}

/* True when the host, with or without a port, is this machine. */
static bool is_loopback(const char *host)
{
	AUTO_FREE char *name = xstrndup(host, *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":"));
	struct in_addr address;

	return str_equal(name, "localhost") || str_equal(name, "[::1]") ||
	       (inet_pton(AF_INET, name, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

/* Returns where the file says that tokens are to be had; NULL with ERROR_CONFIG when the secret would go there in the clear. */
static const char *token_uri(const struct google_file *file, struct error *error)
{
	const char *uri = json_string(file->json, "token_uri");
	AUTO_FREE char *host = uri ? url_host(uri) : NULL;

	if (!uri)
		return default_token_uri;
	if (*host && (str_starts(uri, "https://") || (str_starts(uri, "http://") && is_loopback(host))))
		return uri;
	error_set(error, ERROR_CONFIG, "the token_uri in %s is not https", file->path);
	error_hint(error, "it is %s in the files that Google makes", default_token_uri);
	return NULL;
}

/* The assertion says when it was made. */
static int blame_clock(struct session *session, const char *host, struct error *error)
{
	long long ahead = http_clock_ahead(session_http(session));
	AUTO_BUF struct buf by = {0};

	if (ahead > -SKEW && ahead < SKEW)
		return error_hint(error, "set the clock of this machine");
	str_add_duration(&by, (ahead < 0 ? -ahead : ahead) * 1000);
	error_in(error, "the clock of this machine is %s %s that of %s", by.data, ahead < 0 ? "ahead of" : "behind", host);
	return error_hint(error, "set the clock of this machine, and let a time service keep it: systemd-timesyncd, chrony");
}

/* What to do about the errors of RFC 6749, 5.2, where Google's description tells more. */
static const struct {
	const char *error, *description; /* which the description has in it */
	const char *hint;
} remedies[] = {
	{"invalid_grant", "Signature", "the key was deleted or belongs to another account: make a new one for the service account"},
	{"invalid_grant", "account not found", "the service account was deleted: make one, give it its roles, and use its key"},
	{"invalid_grant", "Not a service account", "the service account was deleted: make one, give it its roles, and use its key"},
	{"invalid_grant", "expired or revoked", "log in again: gcloud auth application-default login"},
	{"invalid_grant", "audience", "take the token_uri of the file as Google made it"},
	{"invalid_grant", "", "make a new key for the service account, or log in again: gcloud auth application-default login"},
	{"invalid_client", "", "the client_id or client_secret of the file is no longer one: log in again by gcloud"},
	{"unauthorized_client", "", "the service account may not have this scope: let it have one for Cloud Storage"},
	{"disabled_client", "", "the service account or the client is disabled: enable it in the console"},
};

static int deny(struct session *session, const struct http_response *response, const char *host, const char *account,
		struct error *error)
{
	AUTO_JSON cJSON *answer = json_parse(buf_text(&response->body), response->body.length, error);
	const char *word = json_string(answer, "error"), *description = json_string(answer, "error_description");

	if (!word)
		return error_set(error, ERROR_REGISTRY, "%s gives no token for %s: it answers %ld without a reason", host, account,
				 response->status);
	error_set(error, ERROR_REGISTRY, "%s gives no token for %s: %s%s%s", host, account, word, description ? ": " : "",
		  description ? description : "");
	error_hint(error, "look into the credential in the console");
	if (!description)
		description = "";
	if (str_equal(word, "invalid_grant") && strstr(description, "iat and exp"))
		return blame_clock(session, host, error);
	for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++)
		if (str_equal(word, remedies[i].error) && strstr(description, remedies[i].description))
			return error_hint(error, "%s", remedies[i].hint);
	return -1;
}

int google_oauth_token(struct session *session, const struct google_file *file, const char *account, const char *identity,
		       const char *scope, struct google_token *ret, struct error *error)
{
	static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
	const char *uri = token_uri(file, error);
	AUTO_BUF struct buf form = {0};
	AUTO_RESPONSE struct http_response response = {0};

	if (!uri)
		return -1;
	if (file->type->add_form(&form, file->json, uri, scope, error))
		return error_in(error, "the Google credentials in %s", file->path);
	AUTO_FREE char *host = url_host(uri);
	struct http_request request = {
		.method = "POST",
		.url = uri,
		.headers = headers,
		.body = form.data,
		.body_length = form.length,
		.limit = ANSWER_LIMIT,
	};
	if (session_ask(session, &request, identity, &response, error))
		return -1;
	if (response.status != 200)
		return deny(session, &response, host, account, error);
	return google_token_read(&response, host, ret, error);
}
