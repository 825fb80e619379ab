/* SPDX-License-Identifier: MIT */
#include "credentials/github.h"

#include "alloc.h"
#include "buf.h"
#include "credentials/github_app.h"
#include "error.h"
#include "json.h"
#include "secret.h"
#include "str.h"

#include <ctype.h>
#include <string.h>

enum { MESSAGE_LENGTH = 240 };

static void use_token(struct github_credential *credential, const char *variable, const char *token)
{
	credential->authorization = xasprintf("Authorization: Bearer %s", token);
	credential->source = xstrdup(variable);
	session_identity(token, credential->identity);
}

int github_credential_find(struct session *session, const char *base, struct github_credential *ret, struct error *error)
{
	static const char *const variables[] = {"GH_TOKEN", "GITHUB_TOKEN"};

	*ret = (struct github_credential){0};
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
		AUTO_FREE char *token = NULL;
		if (secret_read(variables[i], &token, error))
			return -1;
		if (token) {
			use_token(ret, variables[i], token);
			return 0;
		}
	}
	return github_app_find(session, base, ret, error);
}

void github_credential_free(struct github_credential *credential)
{
	free(credential->authorization);
	free(credential->source);
	free(credential->kept_as);
	*credential = (struct github_credential){0};
}

char *github_message(const struct http_response *response)
{
	struct error ignored;
	AUTO_JSON cJSON *answer = json_parse(buf_text(&response->body), response->body.length, &ignored);
	const char *message = json_string(answer, "message");
	AUTO_FREE char *line = xstrndup(message ? message : "", message ? strnlen(message, MESSAGE_LENGTH) : 0);
	AUTO_BUF struct buf text = {0};

	for (char *letter = line; *letter; letter++)
		if (iscntrl((unsigned char)*letter))
			*letter = ' ';
	str_add_utf8(&text, line);
	return xstrdup(buf_text(&text));
}
