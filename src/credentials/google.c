/* SPDX-License-Identifier: MIT */
#include "credentials/google.h"

#include "alloc.h"
#include "buf.h"
#include "credentials/google_token.h"
#include "credentials/tokens.h"
#include "error.h"
#include "proc.h"
#include "secret.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { LIMIT = 65536 }; /* bytes of a credential file */

static const char variable[] = "GOOGLE_APPLICATION_CREDENTIALS";
static const char gcloud_name[] = "application_default_credentials.json";

static void file_free(struct google_file *file)
{
	free(file->path);
	cJSON_Delete(file->json);
}

/* Returns 0, 1 when there is no such file, or -1. */
static int read_content(const char *path, struct buf *content, struct error *error)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int result = fd < 0 ? -1 : buf_read(content, fd, LIMIT);

	if (result == 0)
		return 0;
	int number = errno;
	if (result > 0)
		error_set(error, ERROR_CONFIG, "the Google credentials in %s are larger than %d bytes", path, LIMIT);
	else
		error_set(error, ERROR_CONFIG, "cannot read the Google credentials in %s: %s", path, strerror(number));
	error_hint(error, "name a file in %s that this user may read", variable);
	return result < 0 && (number == ENOENT || number == ENOTDIR) ? 1 : -1;
}

/* Takes path over. Returns 0, 1 when there is no such file, or -1. */
static int read_file(char *path_take, struct google_file *ret, struct error *error)
{
	AUTO_BUF struct buf content = {0};

	*ret = (struct google_file){.path = path_take};
	int result = read_content(ret->path, &content, error);
	if (result)
		return result;
	ret->json = json_parse(buf_text(&content), content.length, error);
	if (cJSON_IsObject(ret->json))
		return 0;
	error_set(error, ERROR_CONFIG, "the Google credentials in %s are no JSON object", ret->path);
	return error_hint(error, "download the key of the service account again, as JSON");
}

/* Returns where gcloud keeps the user's credentials; NULL when there can be no such place. The caller frees it. */
static char *gcloud_path(void)
{
	const char *directory = proc_variable("CLOUDSDK_CONFIG"), *home = proc_home();

	if (directory)
		return xasprintf("%s/%s", directory, gcloud_name);
	return home ? xasprintf("%s/.config/gcloud/%s", home, gcloud_name) : NULL;
}

/* Finds the file of the first place that has one. Returns 0, 1 when none has, or -1. */
static int find_file(struct google_file *ret, struct error *error)
{
	const char *named = proc_variable(variable);

	if (named) {
		if (read_file(xstrdup(named), ret, error) == 0)
			return 0;
		error_in(error, "%s", variable);
		return -1;
	}
	char *places[] = {secret_credential(variable), gcloud_path()};
	int result = 1;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		if (!places[i] || result < 1) {
			free(places[i]);
			continue;
		}
		file_free(ret);
		result = read_file(places[i], ret, error);
	}
	return result;
}

/* Returns whose credentials these are; the caller frees it. */
static char *account_of(const struct google_file *file)
{
	const char *email = json_string(file->json, "client_email");

	return email ? xstrdup(email) : xasprintf("the user of %s", file->path);
}

static void set_authorization(struct google_credential *credential, const char *token)
{
	credential->authorization = xasprintf("Authorization: Bearer %s", token);
}

/* Takes a token that was kept, or exchanges the file's credential for a new one and keeps that. */
static int find_token(struct session *session, const struct google_file *file, const char *scope,
		      struct google_credential *ret, struct error *error)
{
	bool scoped = file->type->scoped;
	AUTO_FREE char *name = xasprintf("google %s%s%s", ret->account, scoped ? " " : "", scoped ? scope : "");
	const char *secret = json_string(file->json, file->type->secret);
	time_t now = time(NULL);
	AUTO_FREE char *kept = tokens_find(session->root, name, secret);
	AUTO_GOOGLE_TOKEN struct google_token token = {0};

	if (kept) {
		set_authorization(ret, kept);
		ret->kept_as = steal_pointer(&name);
		return 0;
	}
	if (google_oauth_token(session, file, ret->account, ret->identity, scope, &token, error))
		return -1;
	set_authorization(ret, token.text);
	tokens_keep(session->root, name, secret, token.text, now + (time_t)token.lifetime);
	return 0;
}

static int use_file(struct session *session, const struct google_file *file, const char *scope, struct google_credential *ret,
		    struct error *error)
{
	const char *project = json_string(file->json, "quota_project_id");

	ret->account = account_of(file);
	ret->user_project = project && *project ? xasprintf("x-goog-user-project: %s", project) : NULL;
	session_identity(json_string(file->json, file->type->secret), ret->identity);
	return find_token(session, file, scope, ret, error);
}

/* The metadata server keeps its tokens itself. */
static int use_metadata_server(struct session *session, const char *scope, struct google_credential *ret, struct error *error)
{
	AUTO_GOOGLE_TOKEN struct google_token token = {0};

	ret->account = xstrdup("the service account of this machine");
	session_identity("metadata server", ret->identity);
	int result = google_metadata_token(session, ret->identity, scope, &token, error);
	if (result == 0)
		set_authorization(ret, token.text);
	if (result <= 0)
		return result;
	AUTO_FREE char *path = gcloud_path(), *reason = xstrdup(error->message);
	error_set(error, ERROR_CONFIG, "no Google credentials: %s is not set, there is no %s, and there is no metadata server: %s",
		  variable, path ? path : gcloud_name, reason);
	return error_hint(error, "name the key file of a service account in %s, or add ?anonymous=true for a public bucket",
			  variable);
}

int google_credential_find(struct session *session, const char *scope, struct google_credential *ret, struct error *error)
{
	struct google_file file = {0};

	*ret = (struct google_credential){0};
	int result = find_file(&file, error);
	if (result == 0)
		result = google_file_check(&file, error);
	if (result == 0)
		result = use_file(session, &file, scope, ret, error);
	else if (result > 0)
		result = use_metadata_server(session, scope, ret, error);
	file_free(&file);
	return result;
}

void google_credential_free(struct google_credential *credential)
{
	free(credential->authorization);
	free(credential->user_project);
	free(credential->account);
	free(credential->kept_as);
	*credential = (struct google_credential){0};
}
