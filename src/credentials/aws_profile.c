/* SPDX-License-Identifier: MIT */
/* Profiles in the shared credentials and config files of AWS
 * (https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html and feature-assume-role-credentials.html). */
#include "credentials/aws_source.h"

#include "alloc.h"
#include "error.h"
#include "ini.h"
#include "json.h"
#include "proc.h"
#include "str.h"

#include <string.h>

enum { CHAIN_MOST = 5 }; /* profiles that one leads to */

struct profiles {
	struct aws_search *search;
	char *credentials_path, *config_path;
	const cJSON *credentials, *config; /* they belong to the session */
};

#define AUTO_PROFILES AUTO(profiles_free)

static void profiles_free(struct profiles *profiles)
{
	free(profiles->credentials_path);
	free(profiles->config_path);
}

/* Returns the path in the variable, with ~/ for the home directory, else that of the file in ~/.aws; the caller frees it. */
static char *path_of(const char *variable, const char *name)
{
	const char *value = proc_variable(variable), *home = proc_home();

	if (value && !str_starts(value, "~/"))
		return xstrdup(value);
	home = home ? home : "";
	return value ? xasprintf("%s%s", home, value + 1) : xasprintf("%s/.aws/%s", home, name);
}

/* A file at the usual place need not be there; one that a variable names does. */
static int read_profiles(const char *variable, const char *path, cJSON **ret, struct error *error)
{
	AUTO_BUF struct buf content = {0};

	if (!proc_variable(variable) && access(path, F_OK)) {
		*ret = xrequire(cJSON_CreateObject());
		return 0;
	}
	if (aws_read_file(variable, path, &content, error))
		return -1;
	*ret = ini_parse(buf_text(&content), error);
	return *ret ? 0 : error_in(error, "%s", path);
}

/* Whether a command will be run is asked before the credential is looked for: the files are read once for both. */
static int read_all(struct profiles *profiles, struct session *session, struct error *error)
{
	static const char credentials[] = "AWS_SHARED_CREDENTIALS_FILE", config[] = "AWS_CONFIG_FILE";
	AUTO_JSON cJSON *files = session->profiles ? NULL : xrequire(cJSON_CreateArray());
	cJSON *file;

	profiles->credentials_path = path_of(credentials, "credentials");
	profiles->config_path = path_of(config, "config");
	if (files) {
		if (read_profiles(credentials, profiles->credentials_path, &file, error))
			return -1;
		cJSON_AddItemToArray(files, file);
		if (read_profiles(config, profiles->config_path, &file, error))
			return -1;
		cJSON_AddItemToArray(files, file);
		session->profiles = steal_pointer(&files);
	}
	profiles->credentials = cJSON_GetArrayItem(session->profiles, 0);
	profiles->config = cJSON_GetArrayItem(session->profiles, 1);
	return 0;
}

/* Returns the name of the profile's section in the config file; the caller frees it. */
static char *config_section(const struct profiles *profiles, const char *name)
{
	AUTO_FREE char *section = xasprintf("profile %s", name);

	if (str_equal(name, "default") && !cJSON_GetObjectItemCaseSensitive(profiles->config, section))
		return xstrdup(name);
	return steal_pointer(&section);
}

static bool is_there(const struct profiles *profiles, const char *name)
{
	AUTO_FREE char *section = config_section(profiles, name);

	return cJSON_GetObjectItemCaseSensitive(profiles->credentials, name) ||
	       cJSON_GetObjectItemCaseSensitive(profiles->config, section);
}

/* Returns a setting of the profile, NULL when it is missing or empty. It belongs to profiles. */
static const char *setting(const struct profiles *profiles, const char *name, const char *key)
{
	AUTO_FREE char *section = config_section(profiles, name);
	const char *value = ini_get(profiles->credentials, name, key);

	if (!value)
		value = ini_get(profiles->config, section, key);
	return value && *value ? value : NULL;
}

/* Takes the keys that the profile itself holds. Returns 0, 1 when there are none, or -1. */
static int take_keys(const struct profiles *profiles, const char *name, const char *source, struct aws_credential *ret,
		     struct error *error)
{
	static const char id_key[] = "aws_access_key_id", secret_key[] = "aws_secret_access_key";
	const char *key_id = setting(profiles, name, id_key), *secret = setting(profiles, name, secret_key);

	if (!key_id && !secret)
		return 1;
	if (!key_id || !secret)
		return error_set(error, ERROR_CONFIG, "%s has %s without %s", source, key_id ? id_key : secret_key,
				 key_id ? secret_key : id_key);
	*ret = (struct aws_credential){
		.key_id = xstrdup(key_id),
		.secret = xstrdup(secret),
		.session_token = xstrdup(setting(profiles, name, "aws_session_token")),
		.source = xstrdup(source),
	};
	return 0;
}

/* Takes what the command prints (https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html). */
static int run_process(const struct profiles *profiles, const char *command, const char *source, struct aws_credential *ret,
		       struct error *error)
{
	const char *const argv[] = {"/bin/sh", "-c", command, NULL};
	long long timeout_ms = profiles->search->session->timeout_ms;
	struct proc_result result;

	if (proc_run(&(struct proc_spec){.argv = argv}, AWS_CREDENTIAL_LIMIT, timeout_ms, &result, error)) {
		error->code = ERROR_CONFIG;
		return error_in(error, "%s: credential_process", source);
	}
	int failed = 0;
	if (result.timed_out)
		failed = error_set(error, ERROR_CONFIG, "%s: credential_process took longer than %lld ms", source, timeout_ms);
	else if (result.exit_code)
		failed = error_set(error, ERROR_CONFIG, "%s: credential_process exited with status %d", source, result.exit_code);
	if (failed)
		error_hint(error, "run that command by hand, as this user, and read what it says");
	else
		failed = aws_credential_parse(buf_text(&result.out), result.out.length, source, ret, NULL, error);
	proc_result_free(&result);
	return failed;
}

static int find_in(struct profiles *profiles, const char *name, int depth, struct aws_credential *ret, struct error *error);

/* What credential_source may say. */
static int find_by_word(struct profiles *profiles, const char *word, const char *source, struct aws_credential *ret,
			struct error *error)
{
	static const struct {
		const char *word;
		int (*find)(struct aws_search *search, struct aws_credential *ret, struct error *error);
	} words[] = {
		{"Environment", aws_environment},
		{"Ec2InstanceMetadata", aws_instance},
		{"EcsContainer", aws_container},
	};
	size_t i = 0;

	while (i < sizeof words / sizeof *words && !str_equal(words[i].word, word))
		i++;
	if (i == sizeof words / sizeof *words)
		return error_set(error, ERROR_CONFIG,
				 "%s has credential_source = %s: expected Environment, Ec2InstanceMetadata or EcsContainer", source,
				 word);
	int result = words[i].find(profiles->search, ret, error);
	if (result <= 0)
		return result;
	return error_set(error, ERROR_CONFIG, "%s has credential_source = %s, which has none: %s", source, word,
			 buf_text(&profiles->search->tried));
}

/* Finds the credential that is exchanged for that of a role. */
static int find_signer(struct profiles *profiles, const char *name, const char *source, int depth, struct aws_credential *ret,
		       struct error *error)
{
	const char *other = setting(profiles, name, "source_profile"), *word = setting(profiles, name, "credential_source");
	int result;

	if (!other == !word)
		return error_set(error, ERROR_CONFIG,
				 "%s has role_arn: expected one of source_profile, credential_source and web_identity_token_file "
				 "beside it", source);
	if (word)
		result = find_by_word(profiles, word, source, ret, error);
	else if (str_equal(other, name))
		result = take_keys(profiles, name, source, ret, error);
	else
		result = find_in(profiles, other, depth + 1, ret, error);
	if (result > 0)
		return error_set(error, ERROR_CONFIG, "%s has source_profile = %s, which has no credentials", source, other);
	return result;
}

static int take_role(struct profiles *profiles, const char *name, const char *source, int depth, struct aws_credential *ret,
		     struct error *error)
{
	const char *token_file = setting(profiles, name, "web_identity_token_file");
	struct aws_role role = {
		.arn = setting(profiles, name, "role_arn"),
		.session_name = setting(profiles, name, "role_session_name"),
		.external_id = setting(profiles, name, "external_id"),
		.duration = setting(profiles, name, "duration_seconds"),
	};
	AUTO_AWS_CREDENTIAL struct aws_credential signer = {0};

	if (setting(profiles, name, "mfa_serial")) {
		error_set(error, ERROR_CONFIG, "%s has mfa_serial: nobody is there to type a code", source);
		return error_hint(error, "let the machine have a role without MFA that may only read the bucket");
	}
	if (token_file)
		return aws_assume_role_by_token(profiles->search, &role, token_file, source, ret, error);
	if (find_signer(profiles, name, source, depth, &signer, error))
		return -1;
	return aws_assume_role(profiles->search, &role, &signer, source, ret, error);
}

static int refuse_sso(const char *name, const char *source, struct error *error)
{
	error_set(error, ERROR_CONFIG, "%s is one of IAM Identity Center (sso_*), which takes a person at a browser", source);
	return error_hint(error, "give the machine a role or keys of its own, or a profile with credential_process = "
				 "aws configure export-credentials --profile %s", name);
}

/* Finds the credential of a profile. Returns 0, 1 when it has none, or -1. */
static int find_in(struct profiles *profiles, const char *name, int depth, struct aws_credential *ret, struct error *error)
{
	AUTO_FREE char *source = xasprintf("the profile %s", name);

	if (depth > CHAIN_MOST)
		return error_set(error, ERROR_CONFIG, "%s: more than %d profiles lead to each other by source_profile", source,
				 CHAIN_MOST);
	if (!is_there(profiles, name)) {
		error_set(error, ERROR_CONFIG, "%s is neither in %s nor in %s", source, profiles->credentials_path,
			  profiles->config_path);
		return error_hint(error, "correct AWS_PROFILE or source_profile, or add the profile to one of the files");
	}
	if (setting(profiles, name, "role_arn"))
		return take_role(profiles, name, source, depth, ret, error);
	int result = take_keys(profiles, name, source, ret, error);
	const char *command = setting(profiles, name, "credential_process");
	if (result > 0 && command)
		return run_process(profiles, command, source, ret, error);
	if (result > 0 && (setting(profiles, name, "sso_session") || setting(profiles, name, "sso_start_url")))
		return refuse_sso(name, source, error);
	return result;
}

static bool leads_to_command(const struct profiles *profiles, const char *name, int depth)
{
	const char *other = setting(profiles, name, "source_profile");

	return setting(profiles, name, "credential_process") ||
	       (other && depth < CHAIN_MOST && leads_to_command(profiles, other, depth + 1));
}

static const char *profile_name(void)
{
	const char *wanted = proc_variable("AWS_PROFILE");

	return wanted ? wanted : "default";
}

bool aws_profile_runs_command(struct session *session)
{
	AUTO_PROFILES struct profiles profiles = {0};
	struct error error;

	return read_all(&profiles, session, &error) == 0 && leads_to_command(&profiles, profile_name(), 0);
}

int aws_profile(struct aws_search *search, struct aws_credential *ret, struct error *error)
{
	AUTO_PROFILES struct profiles profiles = {.search = search};
	const char *wanted = proc_variable("AWS_PROFILE"), *name = profile_name();

	if (read_all(&profiles, search->session, error))
		return -1;
	int result = wanted || is_there(&profiles, name) ? find_in(&profiles, name, 0, ret, error) : 1;
	if (result <= 0)
		return result;
	return aws_skip(search, "%s and %s have no credentials in the profile %s", profiles.credentials_path, profiles.config_path,
			name);
}
