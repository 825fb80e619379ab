/* SPDX-License-Identifier: MIT */
#include "fetch/claims.h"

#include "alloc.h"
#include "cleanup.h"
#include "error.h"
#include "path.h"
#include "platform.h"
#include "str.h"
#include "time.h"

#include <string.h>

enum claim { CLAIM_APP, CLAIM_VERSION, CLAIM_OS, CLAIM_ARCH, CLAIM_FILE, CLAIM_EXPIRES, CLAIMS };

static const char *const names[CLAIMS] = {"app", "version", "os", "arch", "file", "expires"};

/* Returns the claim that the first length bytes of text name, CLAIMS for none. */
static enum claim find(const char *text, size_t length)
{
	enum claim claim = 0;

	while (claim < CLAIMS && (strlen(names[claim]) != length || memcmp(names[claim], text, length) != 0))
		claim++;
	return claim;
}

int claims_read(const char *list, unsigned *ret_claims, struct error *error)
{
	*ret_claims = 0;
	for (const char *at = list; at;) {
		size_t length = strcspn(at, ",");
		enum claim claim = find(at, length);
		if (claim == CLAIMS) {
			error_set(error, ERROR_CONFIG, "--verify-claims: a signature cannot claim \"%.*s\"", (int)length, at);
			return error_hint(error, "give a list of app, version, os, arch, file and expires, such as app,version");
		}
		*ret_claims |= 1u << claim;
		at = at[length] ? at + length + 1 : NULL;
	}
	return 0;
}

bool claims_bind(unsigned claims)
{
	const unsigned needed = 1u << CLAIM_APP | 1u << CLAIM_VERSION;

	return (claims & needed) == needed;
}

static bool is_version(const char *claimed, const char *version)
{
	return str_equal(claimed + (*claimed == 'v'), version + (*version == 'v'));
}

/* True until the time, or the end of the day, UTC. */
static bool is_to_come(const char *text)
{
	AUTO_FREE char *end = strchr(text, 'T') ? xstrdup(text) : xasprintf("%sT23:59:59Z", text);
	time_t when;

	return time_parse(end, &when) == 0 && time_now() / 1000 <= (long long)when;
}

/* Returns NULL when the claim is true, else what is, or what is claimed when time has made it untrue. */
static const char *contradiction(enum claim claim, const char *value, const struct claimed *of, const struct platform *here,
				 const char *here_name)
{
	switch (claim) {
	case CLAIM_APP:
		return str_equal(value, of->app) ? NULL : of->app;
	case CLAIM_VERSION:
		return is_version(value, of->version) ? NULL : of->version;
	case CLAIM_OS:
		return platform_has_os(here, value) ? NULL : here_name;
	case CLAIM_ARCH:
		return platform_has_arch(here, value) ? NULL : here_name;
	case CLAIM_FILE:
		return str_equal(value, of->file) ? NULL : of->file;
	case CLAIM_EXPIRES:
		return is_to_come(value) ? NULL : value;
	case CLAIMS:
		break;
	}
	return NULL;
}

/* NAME=VALUE up to white space; as NAME:VALUE minisign itself writes the file, whose name may have spaces, up to a tab. Returns the
 * claim, CLAIMS for what is none, with what follows it, and the value, which the caller frees. */
static enum claim take(const char **at, char **ret_value)
{
	size_t length = strcspn(*at, "=: \t");
	char sign = (*at)[length];
	enum claim claim = sign == '=' || sign == ':' ? find(*at, length) : CLAIMS;
	const char *value = *at + length + (claim < CLAIMS);
	size_t end = strcspn(value, claim == CLAIM_FILE && sign == ':' ? "\t" : " \t");

	*ret_value = claim < CLAIMS ? xstrndup(value, end) : NULL;
	*at = value + end + strspn(value + end, " \t");
	return claim;
}

static int refuse(enum claim claim, const char *value, const char *truth, struct error *error)
{
	AUTO_FREE char *label = path_label(value);

	if (claim == CLAIM_EXPIRES)
		return error_set(error, ERROR_INTEGRITY, "it has expired, or tells no date: expires=%s", label);
	return error_set(error, ERROR_INTEGRITY, "it is for the %s %s, and this is %.200s", names[claim], label, truth);
}

int claims_check(const char *comment, unsigned required, const struct claimed *of, struct error *error)
{
	char here_name[PLATFORM_NAME];
	struct platform here = platform_here(here_name);
	unsigned made = 0;

	for (const char *at = comment + strspn(comment, " \t"); *at;) {
		AUTO_FREE char *value = NULL;
		enum claim claim = take(&at, &value);
		if (claim == CLAIMS)
			continue;
		const char *truth = contradiction(claim, value, of, &here, here_name);
		if (truth)
			return refuse(claim, value, truth, error);
		made |= 1u << claim;
	}
	for (enum claim claim = 0; claim < CLAIMS; claim++)
		if (required & ~made & 1u << claim)
			return error_set(error, ERROR_INTEGRITY, "it does not tell the %s, as --verify-claims demands",
					 names[claim]);
	return 0;
}
