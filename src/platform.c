/* SPDX-License-Identifier: MIT */
#include "platform.h"

#include "str.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

static const struct alias {
	char words[16]; /* here and not elsewhere: there is no pointer to relocate at each start */
	struct platform platform;
} aliases[] = {
#define ALIAS(words, os, arch, libc) {words, {os, arch, libc}},
#include "alias.def"
#undef ALIAS
};

/* Returns how many words the alias takes, 0 when they do not begin with it. */
static size_t match(const char *alias, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t length = strcspn(alias, " ");
		if (strncmp(alias, words[i], length) != 0 || words[i][length])
			return 0;
		if (!alias[length])
			return i + 1;
		alias += length + 1;
	}
	return 0;
}

size_t platform_read(struct platform *platform, const char *const *words, size_t count)
{
	const struct alias *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
		bool begins = memcmp(aliases[i].words, words[0], 2) == 0; /* none is shorter: most are told apart at once */
		size_t length = begins ? match(aliases[i].words, words, count) : 0;
		if (length > most) {
			most = length;
			best = &aliases[i];
		}
	}
	if (best) {
		platform->os |= best->platform.os;
		platform->arch |= best->platform.arch;
		platform->libc |= best->platform.libc;
	}
	return most;
}

static void override(unsigned *set, unsigned special, unsigned general)
{
	if (*set & special)
		*set &= ~general;
}

void platform_settle(struct platform *platform)
{
	override(&platform->os, ANDROID, LINUX);
	override(&platform->os, IOS, DARWIN);
	override(&platform->arch, X32, AMD64);
}

/* Reads one name, such as a field of uname, whose words are separated as in the names of artifacts. Returns true when it is one of
 * the aliases, and nothing more. */
static bool read_field(struct platform *platform, const char *field)
{
	char text[65];
	const char *words[2] = {text, NULL};
	size_t count = 1;

	snprintf(text, sizeof text, "%s", field);
	for (char *at = text; *at; at++) {
		*at = (char)tolower((unsigned char)*at);
		if (strchr("_-", *at) && count == 1) {
			*at = '\0';
			words[count++] = at + 1;
		}
	}
	return platform_read(platform, words, count) == count && strlen(field) < sizeof text;
}

struct platform platform_here(char name[PLATFORM_NAME])
{
	struct platform here = {0};
	struct utsname system;

	snprintf(name, PLATFORM_NAME, "an unknown platform");
	if (uname(&system) < 0)
		return here;
	snprintf(name, PLATFORM_NAME, "%.30s %.30s", system.sysname, system.machine);
	read_field(&here, system.sysname);
	read_field(&here, system.machine);
	return here;
}

bool platform_has_os(const struct platform *here, const char *name)
{
	struct platform named = {0};

	if (!read_field(&named, name))
		return false;
	platform_settle(&named);
	return here->os & named.os & ~(unsigned)OTHER_OS;
}

bool platform_has_arch(const struct platform *here, const char *name)
{
	struct platform named = {0};

	if (!read_field(&named, name))
		return false;
	platform_settle(&named);
	return named.arch && platform_rate_arch(here->arch, named.arch) != PLATFORM_UNFIT;
}

static int exists(const char *pattern)
{
	glob_t found;
	int result = glob(pattern, GLOB_NOSORT, NULL, &found);

	globfree(&found);
	return result == 0;
}

unsigned platform_libc(void)
{
	return exists("/lib/ld-musl-*") && !exists("/lib*/ld-linux*") && !exists("/lib*/ld64.so*") ? MUSL : GNU;
}

int platform_rate_arch(unsigned here, unsigned named)
{
	static const struct {
		unsigned here, runs[4]; /* the best first */
	} machines[] = {
		{ARMV7, {ARMV7, ARMV6, ARM, ARMV5}},
		{ARMV6, {ARMV6, ARM, ARMV5}},
		{ARMV5, {ARMV5, ARM}},
	};

	if (!named || named & ANY_ARCH)
		return 4;
	for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
		for (int j = 0; machines[i].here == here && j < 4; j++)
			if (machines[i].runs[j] & named)
				return j;
	return (here & named & ~(unsigned)OTHER_ARCH) ? 0 : PLATFORM_UNFIT;
}

int platform_rate_libc(unsigned here, unsigned named)
{
	static const unsigned with_gnu[] = {GNU, 0, STATIC, MUSL}, with_musl[] = {MUSL, STATIC, 0};
	const unsigned *best = here == MUSL ? with_musl : with_gnu;
	int count = here == MUSL ? 3 : 4;

	for (int i = 0; i < count; i++)
		if (best[i] ? named & best[i] : !named)
			return i;
	return PLATFORM_UNFIT;
}
