/* SPDX-License-Identifier: MIT */
/* Who asks Google Cloud Storage, and what that one may:
 * https://cloud.google.com/storage/docs/json_api/v1/buckets/testIamPermissions. */
#include "doctor/service.h"

#include "json.h"
#include "registry/gs.h"
#include "str.h"

enum { ANSWER_LIMIT = 1 << 20 };

static char *base(const struct registry *registry)
{
	AUTO_BUF struct buf url = {0};

	gs_add_base(&url, registry);
	return buf_steal(&url);
}

static void credential(struct doctor *doctor, struct verdict *verdict)
{
	struct error error;
	const struct google_credential *credential = gs_authorize(&doctor->registry, gs_read_scope, &error);

	if (!credential)
		verdict_fail(verdict, &error);
	else if (credential->account)
		verdict_ok(verdict, "%s", credential->account);
	else
		verdict_ok(verdict, "none: the registry is asked by nobody");
}

static bool is_granted(const cJSON *answer, const char *permission)
{
	const cJSON *granted;

	cJSON_ArrayForEach(granted, json_get(answer, "permissions"))
	{
		if (str_equal(cJSON_GetStringValue(granted), permission))
			return true;
	}
	return false;
}

/* What a run reads by must be there; what it writes audit records by may be missing. */
static void tell_permissions(const cJSON *answer, struct verdict *verdict)
{
	static const char *const needed[] = {"storage.objects.list", "storage.objects.get"};
	struct error error;

	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
		if (is_granted(answer, needed[i]))
			continue;
		error_set(&error, ERROR_REGISTRY, "%s is not granted", needed[i]);
		error_hint(&error, "give the account roles/storage.objectViewer on the bucket");
		verdict_fail(verdict, &error);
	}
	if (verdict->result < RESULT_FAIL)
		verdict_ok(verdict, "may list and get objects");
	verdict_ok(verdict,
		   is_granted(answer, "storage.objects.create") ? "may write audit records" : "may not write audit records");
}

static void permissions(struct doctor *doctor, struct verdict *verdict)
{
	struct error error;
	AUTO_BUF struct buf url = {0};
	AUTO_RESPONSE struct http_response response = {0};
	AUTO_JSON cJSON *answer = NULL;

	if (!gs_account(&doctor->registry)) {
		verdict_skip(verdict, "nobody asks: there is nothing that could be granted");
		return;
	}
	gs_add_base(&url, &doctor->registry);
	buf_printf(&url,
		   "/storage/v1/b/%s/iam/testPermissions?permissions=storage.objects.list&permissions=storage.objects.get"
		   "&permissions=storage.objects.create",
		   doctor->registry.url.authority);
	const struct http_request request = {.url = url.data, .limit = ANSWER_LIMIT};
	if (gs_ask(&doctor->registry, gs_write_scope, &request, NULL, &response, &error) == 0 && response.status == 200)
		answer = json_parse(buf_text(&response.body), response.body.length, &error);
	if (answer)
		tell_permissions(answer, verdict);
	else
		verdict_ok(verdict, "may list objects; the rest was not tested: the service does not tell");
}

static bool is_timed(const struct registry *registry)
{
	return gs_account(registry) != NULL;
}

const struct service gs_service = {&gs_registry, base, credential, permissions, is_timed};
