/* SPDX-License-Identifier: MIT */
#include "credentials/aws.h"

#include "alloc.h"
#include "credentials/aws_source.h"
#include "error.h"
#include "json.h"
#include "log.h"
#include "redact.h"
#include "secret.h"
#include "time.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static int (*const sources[])(struct aws_search *search, struct aws_credential *ret, struct error *error) = {
	aws_environment, aws_profile, aws_web_identity, aws_container, aws_instance,
};

enum { SOURCES = sizeof sources / sizeof *sources };

void aws_credential_free(struct aws_credential *credential)
{
	free(credential->key_id);
	free(credential->secret);
	free(credential->session_token);
	free(credential->source);
	free(credential->kept_as);
	*credential = (struct aws_credential){0};
}

int aws_skip(struct aws_search *search, const char *format, ...)
{
	va_list arguments;

	buf_puts(&search->tried, search->tried.length ? "; " : "");
	va_start(arguments, format);
	buf_vprintf(&search->tried, format, arguments);
	va_end(arguments);
	return 1;
}

int aws_read_file(const char *what, const char *path, struct buf *content, struct error *error)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int result = fd < 0 ? -1 : buf_read(content, fd, AWS_CREDENTIAL_LIMIT);

	if (result < 0)
		error_set(error, ERROR_CONFIG, "cannot read %s, which %s names: %s", path, what, strerror(errno));
	else if (result > 0)
		error_set(error, ERROR_CONFIG, "%s, which %s names, is larger than %d bytes", path, what, AWS_CREDENTIAL_LIMIT);
	if (result)
		return error_hint(error, "correct %s, and give this user the right to read the file", what);
	while (content->length && strchr("\r\n", content->data[content->length - 1]))
		content->data[--content->length] = '\0';
	return 0;
}

int aws_environment(struct aws_search *search, struct aws_credential *ret, struct error *error)
{
	if (secret_read("AWS_ACCESS_KEY_ID", &ret->key_id, error) || secret_read("AWS_SECRET_ACCESS_KEY", &ret->secret, error) ||
	    secret_read("AWS_SESSION_TOKEN", &ret->session_token, error))
		return -1;
	if (!ret->key_id && !ret->secret) {
		free(steal_pointer(&ret->session_token));
		return aws_skip(search, "AWS_ACCESS_KEY_ID is not set");
	}
	ret->source = xstrdup("the environment");
	if (ret->key_id && ret->secret)
		return 0;
	error_set(error, ERROR_CONFIG, "%s is set, and %s is not", ret->key_id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
		  ret->key_id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
	return error_hint(error, "set both, or neither");
}

static int check_expiration(const char *expiration, const char *source, time_t *ret_expires_at, struct error *error)
{
	*ret_expires_at = 0;
	if (!expiration)
		return 0;
	if (time_parse(expiration, ret_expires_at))
		return error_set(error, ERROR_CONFIG, "the credentials of %s expire at no time: %s", source, expiration);
	if (*ret_expires_at > time_now() / 1000)
		return 0;
	error_set(error, ERROR_CONFIG, "the credentials of %s expired at %s", source, expiration);
	return error_hint(error, "renew them, or set this machine's clock if it is wrong");
}

int aws_credential_parse(const char *text, size_t length, const char *source, struct aws_credential *ret, time_t *ret_expires_at,
			 struct error *error)
{
	struct error why;
	AUTO_JSON cJSON *json = json_parse(text, length, &why);
	const char *key_id = json_string(json, "AccessKeyId"), *secret = json_string(json, "SecretAccessKey");
	const char *token = json_string(json, "SessionToken");
	time_t expires_at;

	if (!json)
		return error_set(error, ERROR_CONFIG, "%s gave no credentials: %s", source, why.message);
	if (!key_id || !*key_id || !secret || !*secret)
		return error_set(error, ERROR_CONFIG, "%s gave JSON without AccessKeyId and SecretAccessKey", source);
	if (check_expiration(json_string(json, "Expiration"), source, &expires_at, error))
		return -1;
	if (ret_expires_at)
		*ret_expires_at = expires_at;
	*ret = (struct aws_credential){
		.key_id = xstrdup(key_id),
		.secret = xstrdup(secret),
		.session_token = xstrdup(token ? token : json_string(json, "Token")),
		.source = xstrdup(source),
	};
	return 0;
}

bool aws_runs_command(struct session *session)
{
	AUTO_FREE char *key_id = secret_source("AWS_ACCESS_KEY_ID");

	return !key_id && aws_profile_runs_command(session);
}

int aws_credential_find(struct session *session, const char *region, struct aws_credential *ret, struct error *error)
{
	struct aws_search search = {.session = session, .region = region};
	int result = 1;

	*ret = (struct aws_credential){0};
	for (size_t i = 0; i < SOURCES && result > 0; i++)
		result = sources[i](&search, ret, error);
	AUTO_FREE char *tried = buf_steal(&search.tried);
	if (result < 0)
		return -1;
	if (result > 0) {
		error_set(error, ERROR_CONFIG, "no AWS credentials: %s", tried);
		return error_hint(error, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give this machine a "
					 "role; for a public bucket, add anonymous=true to the URL");
	}
	redact_learn(ret->secret);
	redact_learn(ret->session_token);
	session_identity(ret->secret, ret->identity);
	log_debug("AWS credentials", "source", ret->source);
	return 0;
}
