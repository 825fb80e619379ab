/* SPDX-License-Identifier: MIT */
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

static int hint_at_credential(const struct gs_refusal *refusal, struct error *error)
{
	if (refusal->account)
		return error_hint(error, "the access token of %s is not accepted: look whether the account is disabled or deleted",
				  refusal->account);
	return error_hint(error, "the bucket is not public: leave out anonymous=true, and see dewy-registry(7) for credentials");
}

static int hint_at_permission(const struct gs_refusal *refusal, const char *reason, struct error *error)
{
	const struct gs_permission *permission = refusal->permission;

	if (!refusal->account)
		return error_hint(error, "the bucket is not public: leave out anonymous=true, and see dewy-registry(7) for credentials");
	if (str_equal(reason, "insufficientPermissions"))
		return error_hint(error, "the token's scope does not reach that far: give the machine the access scope cloud-platform or "
					 "storage-rw, and to %s the permission %s (%s)",
				  refusal->account, permission->name, permission->role);
	return error_hint(error, "give %s the permission %s, for example by the role %s on gs://%s", refusal->account, permission->name,
			  permission->role, refusal->bucket);
}

int gs_refuse(const struct gs_refusal *refusal, const struct http_response *response, struct error *error)
{
	AUTO_JSON cJSON *answer = json_parse(buf_text(&response->body), response->body.length, error);
	const char *reason = reason_of(answer);

	error_set(error, ERROR_REGISTRY, "gs://%s: %s answers %ld: %s", refusal->bucket, refusal->host, response->status,
		  message_of(answer));
	switch (response->status) {
	case 401:
		return hint_at_credential(refusal, error);
	case 403:
		if (str_ends(reason, "imitExceeded"))
			return error_hint(error, "wait, and let runs be further apart");
		return hint_at_permission(refusal, reason, error);
	case 404:
		return error_hint(error, "create the bucket %s, or correct the registry URL", refusal->bucket);
	case 429:
		return error_hint(error, "wait, and let runs be further apart");
	default:
		return response->status >= 500 ? error_hint(error, "the service has a problem of its own: the next run tries again") : -1;
	}
}
