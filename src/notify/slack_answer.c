/* SPDX-License-Identifier: MIT */
#include "notify/slack_answer.h"

#include "alloc.h"
#include "error.h"
#include "str.h"

#include <string.h>

enum {
	WORD_MOST = 80, /* bytes of what Slack says that are repeated */
	SOON = 1,       /* it passes by itself */
	THREAD = 2,     /* without the thread it may do */
	MESSAGE = 3,    /* it is this message that is refused */
};

#define BOT_TOKEN "give the bot token (xoxb-...) of an app of this workspace: api.slack.com/apps, OAuth & Permissions"
#define INVITE "check its name, and invite the app there: /invite @APP"
#define ASK_ADMIN "ask an administrator of the workspace, or take another channel"
#define LATER "https://slack-status.com tells about disturbances"
#define OTHER_THREAD "give the ts of a message of that channel in thread=, or thread=true"
#define REPORT "report it, with the output of --log-level debug"

static const struct refusal {
	const char *code, *sentence, *hint;
	int kind;
} refusals[] = {
	{"channel_not_found", "this workspace has no such channel, or the app is not in it", INVITE, 0},
	{"not_in_channel", "the app is not in it", "invite it there: /invite @APP; or give it the scope chat:write.public", 0},
	{"is_archived", "it is archived", "take it out of the archive, or take another channel", 0},
	{"team_not_found", "this token needs the ID of the channel", "write slack://C024BE91L; the channel tells its ID", 0},
	{"invalid_auth", "the token is not accepted", BOT_TOKEN, 0},
	{"not_authed", "no token came through", "give a bot token (xoxb-...) in SLACK_TOKEN; a proxy may take it away", 0},
	{"token_revoked", "the token was revoked, or the app was removed", "install the app again, and give its new token", 0},
	{"token_expired", "the token has expired", "give a new one, or switch token rotation off in the settings of the app", 0},
	{"account_inactive", "the token is of somebody, or of a workspace, that is gone", BOT_TOKEN, 0},
	{"not_allowed_token_type", "a token of this kind may not post", BOT_TOKEN, 0},
	{"missing_scope", "the token lacks a scope", "add chat:write to the scopes of the app, and install it again", 0},
	{"no_permission", "the app may not post there", INVITE, 0},
	{"access_denied", "the app may not do that", ASK_ADMIN, 0},
	{"accesslimited", "it may not be asked from this network", ASK_ADMIN, 0},
	{"ekm_access_denied", "an administrator has suspended posting", ASK_ADMIN, 0},
	{"restricted_action", "the workspace does not let the app post there", ASK_ADMIN, 0},
	{"restricted_action_read_only_channel", "nobody may post there", ASK_ADMIN, 0},
	{"restricted_action_thread_only_channel", "only replies may be posted there", "give the ts of a message in thread=", 0},
	{"messages_tab_disabled", "the app takes no direct messages", "switch them on in the settings of the app, App Home", 0},
	{"thread_not_found", "there is no such thread", OTHER_THREAD, THREAD},
	{"message_not_found", "there is no such thread", OTHER_THREAD, THREAD},
	{"invalid_thread_ts", "there is no such thread", OTHER_THREAD, THREAD},
	{"cannot_reply_to_message", "nobody can reply to that message", OTHER_THREAD, THREAD},
	{"restricted_action_thread_locked", "that thread is locked", OTHER_THREAD, THREAD},
	{"restricted_action_non_threadable_channel", "it has no threads", "leave thread= out", THREAD},
	{"ratelimited", "too many messages in a short time", "send fewer: quiet=true; " LATER, SOON},
	{"rate_limited", "too many messages in a short time", "send fewer: quiet=true; " LATER, SOON},
	{"message_limit_exceeded", "the workspace sends too many messages", "wait, or send fewer: quiet=true", 0},
	{"fatal_error", "something failed there", LATER, SOON},
	{"internal_error", "something failed there", LATER, SOON},
	{"service_unavailable", "it is out of service", LATER, SOON},
	{"request_timeout", "the message did not arrive whole", LATER, SOON},
	{"team_added_to_org", "the workspace is being moved", LATER, 0},
	{"org_login_required", "the workspace is being moved", LATER, 0},
	{"msg_too_long", "the message is too long", REPORT, MESSAGE},
	{"attachment_payload_limit_exceeded", "the message is too long", REPORT, MESSAGE},
	{"too_many_attachments", "the message has too many attachments", REPORT, MESSAGE},
	{"no_text", "the message has no text", REPORT, MESSAGE},
	{"invalid_arguments", "the call is not understood", REPORT, 0},
	{"invalid_arg_name", "the call is not understood", REPORT, 0},
	{"unknown_method", "there is no chat.postMessage", "check SLACK_API_URL: for Slack itself none is needed", 0},
	{"", "it is refused", "https://docs.slack.dev/reference/methods/chat.postMessage tells what that means", 0},
};

/* Returns what there is to say of a code; the last one is for all that are unknown. */
static const struct refusal *find(const char *code)
{
	const struct refusal *refusal = refusals;

	while (*refusal->code && !str_equal(refusal->code, code))
		refusal++;
	return refusal;
}

static int explain_status(const char *host, long status, struct error *error)
{
	error_set(error, ERROR_NETWORK, "%s answered %ld%s", host, status, status == 200 ? ", but not as Slack does" : "");
	if (status == 429 || status >= 500)
		return error_hint(error, LATER);
	return error_hint(error, "check SLACK_API_URL and the proxy variables: something else than Slack may have answered");
}

int slack_answer_read(struct slack_answer *ret, const struct http_response *response, const char *host, struct error *error)
{
	*ret = (struct slack_answer){.json = json_parse(buf_text(&response->body), response->body.length, error)};
	const cJSON *ok = json_get(ret->json, "ok");
	ret->code = cJSON_IsFalse(ok) ? json_string(ret->json, "error") : NULL;
	if (cJSON_IsTrue(ok) || (ret->code && *ret->code))
		return 0;
	return explain_status(host, response->status, error);
}

bool slack_answer_passes(const struct slack_answer *answer)
{
	return find(answer->code)->kind == SOON;
}

bool slack_answer_lacks_thread(const struct slack_answer *answer)
{
	return find(answer->code)->kind == THREAD;
}

/* Returns what Slack says as people may see it; the caller frees it. */
static char *shown(const char *text, const char *token)
{
	if (!text || strstr(text, token))
		return xstrdup("?");
	return xstrndup(text, strnlen(text, WORD_MOST));
}

int slack_answer_refuse(const struct slack_answer *answer, const char *host, const char *room, const char *token,
			struct error *error)
{
	const struct refusal *refusal = find(answer->code);
	AUTO_FREE char *code = shown(answer->code, token), *needed = shown(json_string(answer->json, "needed"), token);

	error_set(error, ERROR_NETWORK, "%s: %s: %s (%s)", host, room, refusal->sentence, code);
	error_hint(error, "%s", refusal->hint);
	if (str_equal(answer->code, "missing_scope") && !str_equal(needed, "?"))
		error_hint(error, "add %s to the scopes of the app, and install it again", needed);
	return refusal->kind == MESSAGE ? 1 : -1;
}
