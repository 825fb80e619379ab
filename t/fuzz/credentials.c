/* SPDX-License-Identifier: MIT */
/* Who a registry is asked as. Parts, separated by form feeds: variables, one a line; the file that some of them name; and the
 * answers (http_answers.h) of those who give credentials. A credential_process is not run: the file is what it prints. */
#include "fuzz.h"

#include "alloc.h"
#include "buf.h"
#include "credentials/aws.h"
#include "credentials/github.h"
#include "credentials/google.h"
#include "error.h"
#include "http_answers.h"
#include "proc.h"
#include "str.h"

#include <string.h>

static const char *file_content;

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker calls these so */
int __wrap_proc_run(const struct proc_spec *spec, size_t output_limit, long long timeout_ms, struct proc_result *ret,
		    struct error *error);

/* Takes the place of proc_run, by the linker. */
int __wrap_proc_run(const struct proc_spec *spec, size_t output_limit, long long timeout_ms, struct proc_result *ret,
		    struct error *error)
{
	(void)spec, (void)output_limit, (void)timeout_ms, (void)error;
	*ret = (struct proc_result){0};
	buf_puts(&ret->out, file_content);
	return 0;
}

void __wrap_redact_learn(const char *secret);

/* Takes the place of redact_learn: what is kept out of logs would become more with each input. */
void __wrap_redact_learn(const char *secret)
{
	(void)secret;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* The names of the variables that may be set, so that no input finds its way to other files. */
static const char *const names[] = {
	"AWS_ACCESS_KEY_ID",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"AWS_EC2_METADATA_DISABLED",
	"AWS_EC2_METADATA_SERVICE_ENDPOINT",
	"AWS_ENDPOINT_URL",
	"AWS_ENDPOINT_URL_STS",
	"AWS_PROFILE",
	"AWS_ROLE_ARN",
	"AWS_ROLE_SESSION_NAME",
	"AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN",
	"GCE_METADATA_HOST",
	"GH_TOKEN",
	"GITHUB_APP_ID",
	"GITHUB_APP_INSTALLATION_ID",
	"GITHUB_APP_PRIVATE_KEY",
	"GITHUB_TOKEN",
	NULL,
};

/* Those that can name the file: each is set when a line says so. */
static const char *const file_names[] = {
	"AWS_CONFIG_FILE",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_SHARED_CREDENTIALS_FILE",
	"AWS_WEB_IDENTITY_TOKEN_FILE",
	"GH_TOKEN_FILE",
	"GITHUB_APP_PRIVATE_KEY_FILE",
	"GITHUB_APP_PRIVATE_KEY_PATH",
	"GOOGLE_APPLICATION_CREDENTIALS",
	NULL,
};

static void set_variable(const char *line, const char *path)
{
	const char *equals = strchr(line, '=');

	for (const char *const *name = file_names; *name; name++)
		if (str_equal(*name, line))
			setenv(*name, path, 1);
	for (const char *const *name = names; equals && *name; name++)
		if (str_starts(line, *name) && line + strlen(*name) == equals)
			setenv(*name, equals + 1, 1);
}

static void set_variables(const char *lines)
{
	AUTO_FREE char *path = xasprintf("%s/file", fuzz_directory_path()), *copy = xstrdup(lines);
	char *rest = copy, *line;

	clearenv();
	setenv("HOME", fuzz_directory_path(), 1);
	while ((line = strsep(&rest, "\n")))
		set_variable(line, path);
}

static void find_all(struct session *session)
{
	struct aws_credential aws;
	struct github_credential github;
	struct google_credential google;
	struct error error;

	FUZZ_HOLDS(aws_credential_find(session, "eu-west-1", &aws, &error) || (aws.key_id && aws.secret));
	aws_credential_free(&aws);
	github_credential_find(session, "https://api.github.com", &github, &error);
	github_credential_free(&github);
	FUZZ_HOLDS(google_credential_find(session, "read", &google, &error) || google.authorization);
	google_credential_free(&google);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct session session = {.root = fuzz_root(), .timeout_ms = 1000};
	const uint8_t *first = length ? memchr(bytes, '\f', length) : NULL;
	size_t head = first ? (size_t)(first - bytes) : length, behind = first ? length - head - 1 : 0;
	const uint8_t *second = behind ? memchr(first + 1, '\f', behind) : NULL;
	size_t middle = second ? (size_t)(second - first - 1) : behind;
	AUTO_FREE char *lines = fuzz_text(bytes, head), *content = fuzz_text(first ? first + 1 : bytes, middle);

	file_content = content;
	fuzz_file("file", content, strlen(content));
	set_variables(lines);
	http_answers(second ? second + 1 : bytes, second ? behind - middle - 1 : 0);
	find_all(&session);
	session_close(&session);
	clearenv();
	return 0;
}
