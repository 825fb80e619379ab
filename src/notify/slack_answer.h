/* SPDX-License-Identifier: MIT */
/* What Slack answers: {"ok":true,...} or {"ok":false,"error":"CODE",...}, with the status 200 or 429
 * (https://docs.slack.dev/apis/web-api/, "Evaluating responses"; https://docs.slack.dev/reference/methods/chat.postMessage,
 * "Errors"). */
#ifndef DEWY_NOTIFY_SLACK_ANSWER_H
#define DEWY_NOTIFY_SLACK_ANSWER_H

#include "http.h"
#include "json.h"

#include <stdbool.h>

struct slack_answer {
	cJSON *json;
	const char *code; /* why it was refused; NULL when it was not; belongs to json */
};

static inline void slack_answer_free(struct slack_answer *answer)
{
	cJSON_Delete(answer->json);
	*answer = (struct slack_answer){0};
}

#define AUTO_ANSWER AUTO(slack_answer_free)

/* Reads the answer of host. Returns 0, or -1 with ERROR_NETWORK when it is none of the API. The caller gives ret to
 * slack_answer_free in both cases. */
int slack_answer_read(struct slack_answer *ret, const struct http_response *response, const char *host, struct error *error);

/* True for a refusal that passes by itself. */
bool slack_answer_passes(const struct slack_answer *answer);

/* True for a refusal of the thread alone. */
bool slack_answer_lacks_thread(const struct slack_answer *answer);

/* Says what was refused, why, and what to do; token, which the answer may repeat, is left out of it. Returns 1 when it is the
 * message alone, or -1. */
int slack_answer_refuse(const struct slack_answer *answer, const char *host, const char *room, const char *token,
			struct error *error);

#endif
