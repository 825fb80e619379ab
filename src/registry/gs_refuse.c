/* SPDX-License-Identifier: MIT */
/* What the service says when it refuses (https://cloud.google.com/storage/docs/json_api/v1/status-codes), in sentences. */
#include "registry/gs.h"

#include "buf.h"
#include "error.h"
#include "str.h"

/* Some answers come from servers before the service, as HTML or plain text. */
static const char *message_of(const cJSON *answer)
{
	const char *message = json_string(answer, "error.message");

	return message && *message ? message : "it does not say why";
}

/* Returns the word for the first error, "" for none. */
static const char *reason_of(const cJSON *answer)
{
	const char *reason = json_string(cJSON_GetArrayItem(json_get(answer, "error.errors"), 0), "reason");

	return reason ? reason : "";
}

static int hint_at_public(struct error *error)
{
	return error_hint(error, "the bucket is not public: leave out anonymous=true, and give a credential, see dewy-registry(7)");
}

static int hint_at_credential(const char *account, struct error *error)
{
	return error_hint(error, "the access token of %s is not accepted: is the account disabled or deleted?", account);
}

static int hint_at_permission(const char *account, const char *bucket, const char *reason, const struct gs_permission *permission,
			      struct error *error)
{
	if (str_equal(reason, "insufficientPermissions"))
		return error_hint(error, "the scope of the token does not reach that far: give the machine the access scope "
					 "cloud-platform or storage-rw, and %s the permission %s (%s)",
				  account, permission->name, permission->role);
	return error_hint(error, "give %s the permission %s, for example by the role %s on gs://%s", account, permission->name,
			  permission->role, bucket);
}

int gs_refuse(const struct registry *registry, const struct http_response *response, const struct gs_permission *permission,
	      struct error *error)
{
	AUTO_JSON cJSON *answer = json_parse(buf_text(&response->body), response->body.length, error);
	const char *bucket = registry->url.authority, *account = gs_account(registry), *reason = reason_of(answer);
	AUTO_BUF struct buf base = {0};

	gs_add_base(&base, registry);
	AUTO_FREE char *host = url_host(base.data);
	error_set(error, ERROR_REGISTRY, "gs://%s: %s answers %ld: %s", bucket, host, response->status, message_of(answer));
	if (response->status == 429 || (response->status == 403 && str_ends(reason, "imitExceeded")))
		return error_hint(error, "wait, and let runs be further apart");
	if (response->status == 401 || response->status == 403) {
		if (!account)
			return hint_at_public(error);
		return response->status == 401 ? hint_at_credential(account, error)
					       : hint_at_permission(account, bucket, reason, permission, error);
	}
	if (response->status == 404)
		return error_hint(error, "create the bucket %s, or correct the registry URL", bucket);
	return response->status < 500 ? -1 : error_hint(error, "the service has a problem of its own: the next run tries again");
}
